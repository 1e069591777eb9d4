//! The worker: takes what is due, hands it over, and tries again later what could not be.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
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

/// Hands messages over until told to stop.
pub(super) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut hold_back = OTHERS_FIRST;
    loop {
        match send_due(&app, hold_back).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(cause = %error.describe(), "the queue of mail and SMS can't be read"),
        }
        hold_back = tokio::select! {
            () = stop.cancelled() => return,
            () = app.mailer.queued.notified() => TimeDelta::zero(),
            () = tokio::time::sleep(POLL) => OTHERS_FIRST,
        };
    }
}

async fn send_due(app: &App, hold_back: TimeDelta) -> AppResult<()> {
    loop {
        let now = app.clock.now();
        let due = {
            let conn = app.database.get().await?;
            store::take(&conn, now - hold_back, now + LEASE).await?
        };
        if due.is_empty() {
            return Ok(());
        }
        join_all(due.into_iter().map(|message| settle(app, message))).await;
    }
}

/// Tries one message and notes what came of it. What can't be noted is tried once more when its lease is over.
async fn settle(app: &App, message: Message) {
    let outcome = tokio::time::timeout(PATIENCE, deliver(app, &message)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(Undelivered::ForNow("it took too long".into())));
    let (id, tries) = (message.id, message.tries);
    if let Err(error) = &outcome {
        tracing::warn!(id, tries, channel = ?message.channel, cause = %error, "a message was not delivered");
    }
    let noted = async {
        let conn = app.database.get().await?;
        match outcome {
            Err(Undelivered::ForNow(_)) => store::update_due(&conn, id, app.clock.now() + pause(tries)).await?,
            Ok(()) | Err(Undelivered::ForEver(_)) => store::delete(&conn, id).await?,
        };
        Ok::<_, AppError>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(id, cause = %error.describe(), "the queue of mail and SMS can't be written");
    }
}

/// One second after the first try, then twice as long each time, up to a minute.
fn pause(tries: i32) -> TimeDelta {
    let seconds = 1_i64 << tries.saturating_sub(1).clamp(0, 6);
    TimeDelta::seconds(seconds).min(LONGEST_PAUSE)
}

async fn deliver(app: &App, message: &Message) -> Result<(), Undelivered> {
    if message.expires_at <= app.clock.now() {
        return Err(Undelivered::ForEver("it is of no use any more".into()));
    }
    if message.only_if_known {
        let contact = Contact::parse(&message.recipient);
        let known = accounts::service::contacts::is_known(app, contact.as_ref()).await;
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
