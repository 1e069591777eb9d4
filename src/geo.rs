//! Places: positions are kept only as the centre of a grid cell of about 500 m, so that no user is located exactly.

/// The height of a cell, in degrees: 500 m.
const CELL: f64 = 0.0045;

/// A position in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoPoint {
    /// East of Greenwich, -180 to 180.
    pub longitude: f64,
    /// North of the equator, -90 to 90.
    pub latitude: f64,
}

impl GeoPoint {
    /// Whether there is such a place.
    #[must_use]
    pub fn is_on_earth(self) -> bool {
        (-180.0..=180.0).contains(&self.longitude) && (-90.0..=90.0).contains(&self.latitude)
    }

    /// The centre of the cell that the position lies in. Rows of cells lie along the parallels; each row is cut into a
    /// whole number of cells, as wide as they are high, or wider near the poles.
    #[must_use]
    pub fn snap(self) -> Self {
        let rows = (180.0 / CELL).round();
        let height = 180.0 / rows;
        let row = ((self.latitude + 90.0) / height).floor().clamp(0.0, rows - 1.0);
        let latitude = (row + 0.5) * height - 90.0;
        let columns = (360.0 * latitude.to_radians().cos() / CELL).floor().max(1.0);
        let width = 360.0 / columns;
        // 180 degrees east and west are one meridian.
        let column = ((self.longitude + 180.0) / width).floor().rem_euclid(columns);
        let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
        Self { longitude: round((column + 0.5) * width - 180.0), latitude: round(latitude) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let centre = place.snap();
            assert!(metres(place, centre) < 360.0, "{place:?} {centre:?}");
            assert_eq!(centre.snap(), centre, "{place:?}");
        }
        let near = |by: f64| GeoPoint { longitude: 121.4737 + by, latitude: 31.2304 }.snap();
        assert_eq!(near(0.0), near(0.0001));
        assert_ne!(near(0.0), near(0.01));
    }

    #[test]
    fn the_ends_of_the_earth_are_on_it() {
        for (longitude, latitude) in [(180.0, 90.0), (-180.0, -90.0), (180.0, 0.0), (-180.0, 0.0), (0.0, 90.0)] {
            let centre = GeoPoint { longitude, latitude }.snap();
            assert!(centre.is_on_earth(), "{centre:?}");
            assert_eq!(centre.snap(), centre);
        }
        let east = GeoPoint { longitude: 180.0, latitude: 10.0 };
        assert_eq!(east.snap(), GeoPoint { longitude: -180.0, ..east }.snap());
        assert!(!GeoPoint { longitude: 0.0, latitude: 90.1 }.is_on_earth());
        assert!(!GeoPoint { longitude: f64::NAN, latitude: 0.0 }.is_on_earth());
    }
}
