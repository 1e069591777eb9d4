//! Places: positions are kept only as the centre of a grid cell of about 500 m, so that no user is located exactly.
//!
//! Distances are between centres of cells, over the ground. Tables order rows by the straight line between points in space
//! ([`GridCell::point`]), which grows with it.

/// The height of a cell, in degrees: 500 m.
const CELL: f64 = 0.0045;

/// Rows of cells from pole to pole.
const ROWS: f64 = 40_000.0;

/// More than a row has columns.
const ROW_STEP: i64 = 100_000;

/// From the centre of the earth to its surface.
const EARTH_RADIUS_METERS: f64 = 6_371_008.8;

/// How far the points of one cell are apart at most, in each direction.
const SPREAD_METERS: f64 = 0.001;

/// A position in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoPoint {
    /// East of Greenwich, -180 to 180.
    pub longitude: f64,
    /// North of the equator, -90 to 90.
    pub latitude: f64,
}

/// A cell of the grid. Rows of cells lie along the parallels; each row is cut into a whole number of cells, as wide as they
/// are high, or wider near the poles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GridCell {
    row: i64,
    column: i64,
}

impl GeoPoint {
    /// Whether there is such a place.
    #[must_use]
    pub fn is_on_earth(self) -> bool {
        (-180.0..=180.0).contains(&self.longitude) && (-90.0..=90.0).contains(&self.latitude)
    }

    /// The cell that the position lies in.
    #[must_use]
    pub fn cell(self) -> GridCell {
        let row = whole(((self.latitude + 90.0) / CELL).floor().clamp(0.0, ROWS - 1.0));
        let columns = columns(row);
        // 180 degrees east and west are one meridian.
        let column = whole(((self.longitude + 180.0) / (360.0 / columns)).floor().rem_euclid(columns));
        GridCell { row, column }
    }
}

impl GridCell {
    /// The cell of this number.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self { row: number.div_euclid(ROW_STEP), column: number.rem_euclid(ROW_STEP) }
    }

    /// Its number, for tables.
    #[must_use]
    pub fn number(self) -> i64 {
        self.row * ROW_STEP + self.column
    }

    /// Its centre, to a millionth of a degree.
    #[must_use]
    pub fn centre(self) -> GeoPoint {
        let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
        GeoPoint {
            longitude: round((decimal(self.column) + 0.5) * (360.0 / columns(self.row)) - 180.0),
            latitude: round(middle(self.row)),
        }
    }

    /// Its centre, in metres from the centre of the earth: towards Greenwich on the equator, east of that, north.
    #[must_use]
    pub fn point(self) -> [f64; 3] {
        let GeoPoint { longitude, latitude } = self.centre();
        let (longitude, latitude) = (longitude.to_radians(), latitude.to_radians());
        let towards = [latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()];
        towards.map(|part| part * EARTH_RADIUS_METERS)
    }

    /// As [`GridCell::point`], moved by less than a millimetre, by the key of a row: rows in one cell are at distances of
    /// their own, so that a list has an order and an index can part them.
    #[must_use]
    pub fn point_of(self, key: i64) -> [f64; 3] {
        let mut state = key.cast_unsigned();
        self.point().map(|part| part + fraction(&mut state) * SPREAD_METERS)
    }

    /// Metres over the ground from centre to centre.
    #[must_use]
    pub fn distance_meters(self, other: Self) -> f64 {
        let [x, y, z] = self.point();
        let [east, north, up] = other.point();
        let straight = (x - east).hypot(y - north).hypot(z - up);
        2.0 * EARTH_RADIUS_METERS * (straight / (2.0 * EARTH_RADIUS_METERS)).min(1.0).asin()
    }
}

/// The straight line between two points that are so many metres apart over the ground.
#[must_use]
pub fn straight_meters(over_ground: f64) -> f64 {
    2.0 * EARTH_RADIUS_METERS * (over_ground / (2.0 * EARTH_RADIUS_METERS)).sin()
}

/// The latitude of a row's middle.
fn middle(row: i64) -> f64 {
    (decimal(row) + 0.5) * CELL - 90.0
}

/// Cells of a row.
fn columns(row: i64) -> f64 {
    (360.0 * middle(row).to_radians().cos() / CELL).floor().max(1.0)
}

#[expect(clippy::cast_possible_truncation, reason = "a row or a column")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[expect(clippy::cast_precision_loss, reason = "a row, a column, or of 53 bits")]
fn decimal(number: i64) -> f64 {
    number as f64
}

/// The next number from 0 to 1 that looks like chance (splitmix64).
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    decimal(((mixed ^ (mixed >> 31)) >> 11).cast_signed()) / decimal(1 << 53)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snap(place: GeoPoint) -> GeoPoint {
        place.cell().centre()
    }

    /// Metres between two near places.
    fn metres(a: GeoPoint, b: GeoPoint) -> f64 {
        let east = (a.longitude - b.longitude) * a.latitude.to_radians().cos();
        let north = a.latitude - b.latitude;
        east.hypot(north) * 111_195.0
    }

    #[test]
    fn a_cell_s_positions_have_one_centre_within_its_reach() {
        for (longitude, latitude) in
            [(121.4737, 31.2304), (-0.1276, 51.5072), (0.0, 0.0), (-70.9, -53.16), (25.7, 71.1), (179.9999, -16.5)]
        {
            let place = GeoPoint { longitude, latitude };
            let centre = snap(place);
            assert!(metres(place, centre) < 360.0, "{place:?} {centre:?}");
            assert_eq!(snap(centre), centre, "{place:?}");
        }
        let near = |by: f64| snap(GeoPoint { longitude: 121.4737 + by, latitude: 31.2304 });
        assert_eq!(near(0.0), near(0.0001));
        assert_ne!(near(0.0), near(0.01));
    }

    #[test]
    fn the_ends_of_the_earth_are_on_it() {
        for (longitude, latitude) in [(180.0, 90.0), (-180.0, -90.0), (180.0, 0.0), (-180.0, 0.0), (0.0, 90.0)] {
            let centre = snap(GeoPoint { longitude, latitude });
            assert!(centre.is_on_earth(), "{centre:?}");
            assert_eq!(snap(centre), centre);
        }
        let east = GeoPoint { longitude: 180.0, latitude: 10.0 };
        assert_eq!(snap(east), snap(GeoPoint { longitude: -180.0, ..east }));
        assert!(!GeoPoint { longitude: 0.0, latitude: 90.1 }.is_on_earth());
        assert!(!GeoPoint { longitude: f64::NAN, latitude: 0.0 }.is_on_earth());
    }

    #[test]
    fn a_cell_s_number_is_its_own() {
        for (longitude, latitude) in [(121.4737, 31.2304), (180.0, 90.0), (-180.0, -90.0), (-0.1276, 51.5072)] {
            let cell = GeoPoint { longitude, latitude }.cell();
            assert_eq!(GridCell::from_number(cell.number()), cell);
            assert_eq!(cell.centre().cell(), cell);
            assert!((0..4_000_000_000).contains(&cell.number()));
        }
    }

    #[test]
    fn distances_are_those_over_the_ground() {
        let at = |longitude, latitude| GeoPoint { longitude, latitude }.cell();
        let (shanghai, beijing) = (at(121.4737, 31.2304), at(116.4074, 39.9042));
        assert!((shanghai.distance_meters(beijing) - 1_067_000.0).abs() < 2000.0);
        assert!(shanghai.distance_meters(shanghai).abs() < f64::EPSILON);
        let far = straight_meters(shanghai.distance_meters(beijing));
        let [x, y, z] = shanghai.point();
        let [east, north, up] = beijing.point();
        assert!((far - (x - east).hypot(y - north).hypot(z - up)).abs() < 0.01);
    }

    #[test]
    fn points_in_one_cell_are_a_millimetre_apart_at_most() {
        let cell = GeoPoint { longitude: 121.4737, latitude: 31.2304 }.cell();
        for key in 1..100 {
            let moved = cell.point_of(key);
            let bits = |key| cell.point_of(key).map(f64::to_bits);
            assert_ne!(bits(key), bits(key + 1));
            assert_eq!(bits(key), bits(key));
            for (moved, part) in moved.into_iter().zip(cell.point()) {
                assert!((0.0..=0.001_001).contains(&(moved - part)), "{moved} {part}");
            }
        }
    }
}
