//! The worker: takes what is due, hands it over, and tries again later what could not be.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio::task::JoinSet;

use crate::app::App;
use crate::contact::Contact;
use crate::domains::accounts;
use crate::error::{AppError, AppResult};
use crate::mailer::model::{Channel, Message, Undelivered};
use crate::mailer::store;

/// A look without a nudge, for what has to be tried again and what other instances left.
const POLL: Duration = Duration::from_secs(1);

/// What was queued elsewhere is that instance's to send, unless it doesn't within this time.
const OTHERS_FIRST: TimeDelta = TimeDelta::seconds(2);

/// Handing one over takes no longer.
const PATIENCE: Duration = Duration::from_secs(25);

/// Until then nobody else takes it.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How long the end waits for what is on its way.
const FAREWELL: Duration = Duration::from_millis(900);

/// The longest pause between two tries.
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(60);

/// What every connection of the worker's is set to.
const SESSION_SETTINGS: &str = "set application_name = 'plaza mailer'; set timezone = 'UTC'; \
     set statement_timeout = '20s'; set idle_in_transaction_session_timeout = '10s'";

/// So many of each channel are on their way at once: a mail server that does not answer holds up no SMS.
const AT_ONCE: usize = 20;

/// Hands messages over until told to stop. The connection is the worker's own: requests don't wait for it, nor it for them.
pub(super) async fn run(app: Arc<App>) {
    let mut conn = None;
    let (mut mail, mut sms) = (Underway::new(), Underway::new());
    let mut hold_back = OTHERS_FIRST;
    loop {
        let taken = async {
            take_due(&app, &mut conn, (Channel::Email, &mut mail), hold_back).await?;
            take_due(&app, &mut conn, (Channel::Sms, &mut sms), hold_back).await
        };
        if let Err(error) = taken.await {
            tracing::warn!(cause = %error.describe(), "the queue of mail and SMS can't be read");
            conn = None;
        }
        hold_back = tokio::select! {
            () = app.stop.cancelled() => break,
            () = app.mailer.queued() => TimeDelta::zero(),
            // There is room again.
            Some(_) = mail.join_next() => TimeDelta::zero(),
            Some(_) = sms.join_next() => TimeDelta::zero(),
            () = tokio::time::sleep(POLL) => OTHERS_FIRST,
        };
    }
    // What is nearly there arrives; the rest is somebody else's once its lease is over.
    let rest = async { while mail.join_next().await.is_some() || sms.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, rest).await;
}

/// What is on its way, of one channel: in tasks of their own. All share one connection, whose lock on its statements one
/// of them may hold while the worker waits for it.
type Underway = JoinSet<()>;

async fn connect(app: &App) -> AppResult<AsyncPgConnection> {
    let mut conn = AsyncPgConnection::establish(app.database.url()).await.map_err(AppError::internal)?;
    conn.batch_execute(SESSION_SETTINGS).await?;
    Ok(conn)
}

/// Takes what is due of a channel, as far as there is room.
async fn take_due(
    app: &Arc<App>,
    conn: &mut Option<Arc<AsyncPgConnection>>,
    (channel, underway): (Channel, &mut Underway),
    hold_back: TimeDelta,
) -> AppResult<()> {
    let room = AT_ONCE.saturating_sub(underway.len());
    if room == 0 {
        return Ok(());
    }
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(Arc::new(connect(app).await?)),
    };
    let now = app.clock.now();
    let taking = store::take(conn, (channel, room), now - hold_back, now + LEASE);
    for message in tokio::time::timeout(PATIENCE, taking).await.map_err(AppError::internal)?? {
        underway.spawn(settle(Arc::clone(app), Arc::clone(conn), message));
    }
    Ok(())
}

/// Tries one message and notes what came of it. What can't be noted is tried once more when its lease is over.
async fn settle(app: Arc<App>, conn: Arc<AsyncPgConnection>, message: Message) {
    let outcome = tokio::time::timeout(PATIENCE, deliver(&app, &conn, &message)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(Undelivered::ForNow("it took too long".into())));
    let (id, tries) = (message.id, message.tries);
    if let Err(error) = &outcome {
        tracing::warn!(id, tries, channel = ?message.channel, cause = %error, "a message was not delivered");
    }
    let noted = match outcome {
        Err(Undelivered::ForNow(_)) => store::update_due(&conn, id, app.clock.now() + pause(tries)).await,
        Ok(()) | Err(Undelivered::ForEver(_)) => store::delete(&conn, id).await,
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
        let contact = Contact::stored(&message.recipient);
        let known = accounts::service::contacts::is_known(conn, &contact).await;
        if !known.map_err(|error| Undelivered::ForNow(error.describe()))? {
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
        let seconds: Vec<i64> = (1..=9).map(|tries| pause(tries).num_seconds()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
