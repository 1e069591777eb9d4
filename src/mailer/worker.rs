//! The worker: takes what is due, hands it over, and tries again later what could not be.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::Mailer;
use super::model::{Channel, Message, Undelivered};
use super::store;
use crate::app::App;
use crate::contact::Contact;
use crate::domains::accounts;
use crate::error::{AppError, AppResult};

/// A look without a nudge, for what has to be tried again and what other instances left.
const POLL: Duration = Duration::from_secs(1);

/// What was queued elsewhere is that instance's to send, unless it doesn't within this time.
const OTHERS_FIRST: TimeDelta = TimeDelta::seconds(2);

/// Handing one over takes no longer.
const PATIENCE: Duration = Duration::from_secs(25);

/// Until then nobody else takes it.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// The longest pause between two tries.
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// What every connection of the worker's is set to.
const SESSION_SETTINGS: &str = "set application_name = 'plaza mailer'; set timezone = 'UTC'; \
     set statement_timeout = '20s'; set idle_in_transaction_session_timeout = '10s'";

/// Hands messages over until told to stop. The connection is the worker's own: requests don't wait for it, nor it for them.
pub(super) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut conn = None;
    let mut hold_back = OTHERS_FIRST;
    loop {
        if let Err(error) = send_due(&app, &mut conn, hold_back).await {
            tracing::warn!(cause = %error.describe(), "the queue of mail and SMS can't be read");
            conn = None;
        }
        hold_back = tokio::select! {
            () = stop.cancelled() => return,
            () = app.mailer.queued.notified() => TimeDelta::zero(),
            () = tokio::time::sleep(POLL) => OTHERS_FIRST,
        };
    }
}

async fn connect(app: &App) -> AppResult<AsyncPgConnection> {
    let mut conn = AsyncPgConnection::establish(app.database.url()).await.map_err(AppError::internal)?;
    conn.batch_execute(SESSION_SETTINGS).await?;
    Ok(conn)
}

async fn send_due(app: &App, conn: &mut Option<AsyncPgConnection>, hold_back: TimeDelta) -> AppResult<()> {
    let conn = match conn {
        Some(conn) => &*conn,
        None => conn.insert(connect(app).await?),
    };
    loop {
        let now = app.clock.now();
        let taking = store::take(conn, now - hold_back, now + LEASE);
        let due = tokio::time::timeout(PATIENCE, taking).await.map_err(AppError::internal)??;
        if due.is_empty() {
            return Ok(());
        }
        join_all(due.into_iter().map(|message| settle(app, conn, message))).await;
    }
}

/// Tries one message and notes what came of it. What can't be noted is tried once more when its lease is over.
async fn settle(app: &App, conn: &AsyncPgConnection, message: Message) {
    let outcome = tokio::time::timeout(PATIENCE, deliver(app, conn, &message)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(Undelivered::ForNow("it took too long".into())));
    let (id, tries) = (message.id, message.tries);
    if let Err(error) = &outcome {
        tracing::warn!(id, tries, channel = ?message.channel, cause = %error, "a message was not delivered");
    }
    let noted = match outcome {
        Err(Undelivered::ForNow(_)) => store::update_due(conn, id, app.clock.now() + pause(tries)).await,
        Ok(()) | Err(Undelivered::ForEver(_)) => store::delete(conn, id).await,
    };
    if let Err(error) = noted {
        tracing::warn!(id, %error, "the queue of mail and SMS can't be written");
    }
}

/// One second after the first try, then twice as long each time, up to a minute.
fn pause(tries: i32) -> TimeDelta {
    let seconds = 1_i64 << tries.saturating_sub(1).clamp(0, 6);
    TimeDelta::seconds(seconds).min(LONGEST_PAUSE)
}

async fn deliver(app: &App, conn: &AsyncPgConnection, message: &Message) -> Result<(), Undelivered> {
    if message.expires_at <= app.clock.now() {
        return Err(Undelivered::ForEver("it is of no use any more".into()));
    }
    if message.only_if_known {
        let contact = Contact::parse(&message.recipient);
        let known = accounts::service::contacts::is_known(conn, contact.as_ref()).await;
        if !known.map_err(|error| Undelivered::ForNow(error.describe()))? {
            return Ok(());
        }
    }
    let Mailer { smtp, webhook, file, .. } = &app.mailer;
    match (message.channel, smtp, webhook) {
        (Channel::Email, Some(smtp), _) => smtp.send(message).await,
        (Channel::Sms, _, Some(webhook)) => webhook.send(message).await,
        _ => file.append(message).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds: Vec<i64> = (1..=9).map(|tries| pause(tries).num_seconds()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
