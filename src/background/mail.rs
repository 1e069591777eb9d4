//! Delivers queued mail and SMS, with retries.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;
use tokio::task::JoinSet;

use crate::app::App;
use crate::contact::Contact;
use crate::db::connect_outside_pool;
use crate::domains::accounts;
use crate::error::{AppError, AppResult};
use crate::mailer::model::{Channel, DeliveryError, OutgoingMessage};
use crate::mailer::store;

/// Polling interval, for retries and messages queued by other instances.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Delay before messages queued by another instance are taken, which delivers them itself first.
const OTHER_INSTANCE_DELAY: TimeDelta = TimeDelta::seconds(2);

/// Timeout of one delivery.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(25);

/// Time for which a taken message is hidden from other instances.
const LEASE_DURATION: TimeDelta = TimeDelta::seconds(30);

/// Time for deliveries in flight to finish at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(900);

/// Longest retry interval.
const RETRY_INTERVAL_LIMIT: TimeDelta = TimeDelta::seconds(60);

/// Session settings of the worker's connection.
const SESSION_SETTINGS: &str = "set application_name = 'plaza mailer'; set timezone = 'UTC'; \
     set statement_timeout = '20s'; set idle_in_transaction_session_timeout = '10s'";

/// Concurrent deliveries per channel, so that a stuck mail server does not block SMS.
const CONCURRENT_PER_CHANNEL_LIMIT: usize = 20;

/// Delivers messages until the app stops, on a connection outside the pool.
pub(super) async fn run(app: Arc<App>) {
    let mut conn = None;
    let (mut mail, mut sms) = (InFlight::new(), InFlight::new());
    let mut hold_back = OTHER_INSTANCE_DELAY;
    loop {
        let taken = async {
            take_due(&app, &mut conn, Channel::Email, &mut mail, hold_back).await?;
            take_due(&app, &mut conn, Channel::Sms, &mut sms, hold_back).await
        };
        if let Err(error) = taken.await {
            tracing::warn!(cause = %error.describe(), "could not read the message queue");
            conn = None;
        }
        hold_back = tokio::select! {
            () = app.stop.cancelled() => break,
            () = app.mailer.wait_for_queued() => TimeDelta::zero(),
            // A delivery finished: there is capacity again.
            Some(_) = mail.join_next() => TimeDelta::zero(),
            Some(_) = sms.join_next() => TimeDelta::zero(),
            () = tokio::time::sleep(POLL_INTERVAL) => OTHER_INSTANCE_DELAY,
        };
    }
    // Deliveries cut off here are taken by another instance after their lease.
    let rest = async { while mail.join_next().await.is_some() || sms.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, rest).await;
}

/// Deliveries in flight of one channel, in tasks that share the worker's connection.
type InFlight = JoinSet<()>;

/// Takes due messages of a channel, up to the free capacity.
async fn take_due(
    app: &Arc<App>,
    conn: &mut Option<Arc<AsyncPgConnection>>,
    channel: Channel,
    in_flight: &mut InFlight,
    hold_back: TimeDelta,
) -> AppResult<()> {
    let room = CONCURRENT_PER_CHANNEL_LIMIT.saturating_sub(in_flight.len());
    if room == 0 {
        return Ok(());
    }
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(Arc::new(connect_outside_pool(app.database.url(), SESSION_SETTINGS).await?)),
    };
    let now = app.clock.now();
    let taking = store::take_due(conn, channel, room, now - hold_back, now + LEASE_DURATION);
    for message in tokio::time::timeout(DELIVERY_TIMEOUT, taking).await.map_err(AppError::internal)?? {
        in_flight.spawn(deliver_and_record(Arc::clone(app), Arc::clone(conn), message));
    }
    Ok(())
}

/// Delivers one message and records the outcome. If that can't be recorded, it is delivered again after its lease.
async fn deliver_and_record(app: Arc<App>, conn: Arc<AsyncPgConnection>, message: OutgoingMessage) {
    let outcome = tokio::time::timeout(DELIVERY_TIMEOUT, deliver(&app, &conn, &message)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(DeliveryError::Transient("it took too long".into())));
    let (id, tries) = (message.id, message.tries);
    if let Err(error) = &outcome {
        tracing::warn!(id, tries, channel = ?message.channel, cause = %error, "message not delivered");
    }
    let recorded = match outcome {
        Err(DeliveryError::Transient(_)) => store::update_due(&conn, id, app.clock.now() + retry_interval(tries)).await,
        Ok(()) | Err(DeliveryError::Permanent(_)) => store::delete(&conn, id).await,
    };
    if let Err(error) = recorded {
        tracing::warn!(id, %error, "could not update the message queue");
    }
}

/// Exponential backoff from one second, capped.
fn retry_interval(tries: i32) -> TimeDelta {
    let seconds = 1_i64 << tries.saturating_sub(1).clamp(0, 6);
    TimeDelta::seconds(seconds).min(RETRY_INTERVAL_LIMIT)
}

async fn deliver(app: &App, conn: &AsyncPgConnection, message: &OutgoingMessage) -> Result<(), DeliveryError> {
    if message.expires_at <= app.clock.now() {
        return Err(DeliveryError::Permanent("it is of no use any more".into()));
    }
    if message.only_if_known {
        let contact = Contact::stored(&message.recipient);
        let known = accounts::service::contacts::is_known(conn, &contact).await;
        if !known.map_err(|error| DeliveryError::Transient(error.describe()))? {
            return Ok(());
        }
    }
    app.mailer.deliver(message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds: Vec<i64> = (1..=9).map(|tries| retry_interval(tries).num_seconds()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
