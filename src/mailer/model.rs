//! Messages and delivery errors.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::contact::Contact;
use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};

pg_enum! {
    /// Channel of a message.
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Channel: sql_types::MessageChannel {
        /// To an e-mail address.
        Email = "EMAIL",
        /// To a phone.
        Sms = "SMS",
    }
}

/// A message to queue.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::outgoing_messages)]
pub struct NewOutgoingMessage {
    /// The way it goes.
    pub channel: Channel,
    /// An e-mail address or an E.164 number.
    pub recipient: String,
    /// One line; SMS have it for the gateway's list alone.
    pub subject: String,
    /// The text.
    pub body: String,
    /// The code in it.
    pub code: Option<String>,
    /// Deliver only if an account has this contact.
    pub only_if_known: bool,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now: the first try.
    pub due_at: DateTime<Utc>,
    /// Of no use after this.
    pub expires_at: DateTime<Utc>,
}

impl NewOutgoingMessage {
    /// A message to a contact, of use for some time.
    #[must_use]
    pub fn to(contact: &Contact, subject: String, body: String, now: DateTime<Utc>, lifetime: TimeDelta) -> Self {
        let channel = match contact {
            Contact::Email(_) => Channel::Email,
            Contact::Phone(_) => Channel::Sms,
        };
        Self {
            channel,
            recipient: contact.as_str().to_owned(),
            subject,
            body,
            code: None,
            only_if_known: false,
            created_at: now,
            due_at: now,
            expires_at: now + lifetime,
        }
    }
}

/// A message taken for delivery.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::outgoing_messages)]
pub struct OutgoingMessage {
    /// Key.
    pub id: i64,
    /// The way it goes.
    pub channel: Channel,
    /// An e-mail address or an E.164 number.
    pub recipient: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// The code in it.
    pub code: Option<String>,
    /// Deliver only if an account has this contact.
    pub only_if_known: bool,
    /// Attempts, this one included.
    pub tries: i32,
    /// When it was put into the queue.
    pub created_at: DateTime<Utc>,
    /// Of no use after this.
    pub expires_at: DateTime<Utc>,
}

/// A message as sent to the SMS gateway and written to the file.
#[derive(Serialize)]
pub struct MessageJson<'a> {
    kind: Channel,
    to: &'a str,
    subject: &'a str,
    body: &'a str,
    code: Option<&'a str>,
    at: DateTime<Utc>,
}

impl<'a> From<&'a OutgoingMessage> for MessageJson<'a> {
    fn from(message: &'a OutgoingMessage) -> Self {
        Self {
            kind: message.channel,
            to: &message.recipient,
            subject: &message.subject,
            body: &message.body,
            code: message.code.as_deref(),
            at: message.created_at,
        }
    }
}

/// Why a message was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// To be retried.
    #[error("{0}")]
    Transient(String),
    /// Not to be retried.
    #[error("{0}")]
    Permanent(String),
}
