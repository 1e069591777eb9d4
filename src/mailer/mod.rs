//! Mail and SMS: queued in the database, in the transaction of what they tell of, and handed over by a worker.
//!
//! Invariants:
//! - A message is in the queue until it was handed over, is of no use any more, or can't ever be delivered. So a restart
//!   loses none; a process killed right after handing one over sends it once more.
//! - Whoever takes a message puts its next try off first, so that no two instances send it at once.
//! - Whether anybody has a contact is looked up by the worker, never while somebody waits for an answer.
//!
//! E-mail goes to `SMTP_URL`, SMS to `SMS_WEBHOOK_URL`; without them to `outbox.jsonl` in the data folder.

mod file;
pub mod model;
mod smtp;
pub mod store;
mod webhook;

use std::path::Path;

use diesel_async::AsyncPgConnection;
use tokio::sync::Notify;

use crate::config::MailSettings;
use crate::error::AppResult;
use model::{Channel, Message, NewMessage, Undelivered};

/// Hands messages over.
pub struct Mailer {
    smtp: Option<smtp::Smtp>,
    webhook: Option<webhook::Webhook>,
    file: file::OutboxFile,
    /// Something was put into the queue here.
    queued: Notify,
}

impl Mailer {
    /// Opens the ways out; connects to nothing yet.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(settings: &MailSettings, data_dir: &Path) -> AppResult<Self> {
        Ok(Self {
            smtp: settings.smtp_url.as_deref().map(|url| smtp::Smtp::new(url, settings.from.clone())).transpose()?,
            webhook: settings.sms_webhook_url.clone().map(webhook::Webhook::new).transpose()?,
            file: file::OutboxFile::new(data_dir),
            queued: Notify::new(),
        })
    }

    /// Hands a message over.
    ///
    /// # Errors
    /// Why it was not delivered, and whether it ever can be.
    pub async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        match (message.channel, &self.smtp, &self.webhook) {
            (Channel::Email, Some(smtp), _) => smtp.send(message).await,
            (Channel::Sms, _, Some(webhook)) => webhook.send(message).await,
            _ => self.file.append(message).await,
        }
    }

    /// Waits until something was put into the queue here.
    pub async fn queued(&self) {
        self.queued.notified().await;
    }

    /// Says after a commit that there is something in the queue.
    pub fn nudge(&self) {
        self.queued.notify_one();
    }
}

/// Puts a message into the queue, within the caller's transaction; [`Mailer::nudge`] follows the commit.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(conn: &AsyncPgConnection, message: NewMessage) -> AppResult<()> {
    store::insert(conn, message).await?;
    Ok(())
}

/// Takes everything out of the queue that is on its way to these contacts.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(conn: &AsyncPgConnection, recipients: &[String]) -> AppResult<()> {
    store::delete_to(conn, recipients).await?;
    Ok(())
}
