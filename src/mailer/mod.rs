//! Mail and SMS: queued in the transaction that causes them, delivered by a worker.
//!
//! Invariants:
//! - At-least-once delivery: a message is queued until delivered, expired, or permanently undeliverable. A process killed
//!   right after a delivery repeats it.
//! - Taking a message postpones its next attempt, so that no two instances deliver it at once.
//! - Whether a contact is known is looked up by the worker, so that response times reveal nothing.
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
use model::{Channel, DeliveryError, NewOutgoingMessage, OutgoingMessage};

/// Delivers messages.
pub struct Mailer {
    smtp: Option<smtp::Smtp>,
    webhook: Option<webhook::Webhook>,
    file: file::OutboxFile,
    /// Notified when this instance queued a message.
    queued_notify: Notify,
}

impl Mailer {
    /// Sets up the transports; does not connect.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(settings: &MailSettings, data_dir: &Path) -> AppResult<Self> {
        Ok(Self {
            smtp: settings.smtp_url.as_deref().map(|url| smtp::Smtp::new(url, settings.from.clone())).transpose()?,
            webhook: settings.sms_webhook_url.clone().map(webhook::Webhook::new).transpose()?,
            file: file::OutboxFile::new(data_dir),
            queued_notify: Notify::new(),
        })
    }

    /// Delivers a message by SMTP, webhook or file.
    pub async fn deliver(&self, message: &OutgoingMessage) -> Result<(), DeliveryError> {
        match (message.channel, &self.smtp, &self.webhook) {
            (Channel::Email, Some(smtp), _) => smtp.send(message).await,
            (Channel::Sms, _, Some(webhook)) => webhook.send(message).await,
            _ => self.file.append(message).await,
        }
    }

    /// Waits until this instance queued a message.
    pub async fn wait_for_queued(&self) {
        self.queued_notify.notified().await;
    }

    /// Wakes the worker, after the commit of queued messages.
    pub fn wake(&self) {
        self.queued_notify.notify_one();
    }
}

/// Puts a message into the queue, within the caller's transaction; [`Mailer::wake`] follows the commit.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(conn: &AsyncPgConnection, message: NewOutgoingMessage) -> AppResult<()> {
    store::insert(conn, message).await?;
    Ok(())
}

/// Deletes queued messages to these recipients.
pub async fn withdraw(conn: &AsyncPgConnection, recipients: &[String]) -> AppResult<()> {
    store::delete_to(conn, recipients).await?;
    Ok(())
}
