//! Generated positions: people around the centres of some cities.

use chrono::{DateTime, Utc};
use tokio_postgres::Transaction;

use super::store;
use crate::error::AppResult;
use crate::geo::GeoPoint;

/// Centres of cities.
pub(super) const CITIES: [GeoPoint; 12] = [
    city(121.47, 31.23),
    city(116.41, 39.90),
    city(113.26, 23.13),
    city(114.06, 22.54),
    city(120.16, 30.25),
    city(104.07, 30.57),
    city(114.31, 30.59),
    city(108.94, 34.34),
    city(118.80, 32.06),
    city(106.55, 29.56),
    city(117.20, 39.13),
    city(123.43, 41.80),
];

/// Degrees from the centre of a city to its edge.
const CITY_RADIUS: f64 = 0.4;

/// Parts in which angles and distances are cut.
const PARTS: i64 = 10_007;

const fn city(longitude: f64, latitude: f64) -> GeoPoint {
    GeoPoint { longitude, latitude }
}

/// Where a person or a group is, by number: the more, the nearer to the centre.
pub(super) fn place(n: i64, centre: GeoPoint) -> GeoPoint {
    #[expect(clippy::cast_precision_loss, reason = "a part")]
    let part = |factor: i64| (n * factor % PARTS) as f64 / PARTS as f64;
    let (angle, away) = (part(7919) * std::f64::consts::TAU, part(6101) * part(3571) * CITY_RADIUS);
    GeoPoint { longitude: centre.longitude + away * angle.cos(), latitude: centre.latitude + away * angle.sin() }
}

/// Positions of the first people from `first` on, as of now. Of ten, seven are shown to all, and two to friends.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    positions: i64,
    first: i64,
    now: DateTime<Utc>,
) -> AppResult<()> {
    let columns = "user_id, cell, visibility, located_at, place";
    let mut rows = store::copy(transaction, "positions", columns).await?;
    for (n, centre) in (0..positions).zip(CITIES.iter().cycle()) {
        let (user, cell) = (first + n, place(n, *centre).cell());
        let [x, y, z] = cell.point_of(user);
        let (visibility, point) = match n / 12 % 10 {
            9 => ("NOBODY", "\\N".to_owned()),
            7 | 8 => ("FRIENDS", format!("({x}, {y}, {z})")),
            _ => ("EVERYBODY", format!("({x}, {y}, {z})")),
        };
        rows.add(&format!("{user}\t{}\t{visibility}\t{}\t{point}", cell.number(), now.to_rfc3339())).await?;
    }
    rows.finish().await.map(drop)
}
