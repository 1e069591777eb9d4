//! What a message is, and how handing one over can fail.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::contact::Contact;
use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};

pg_enum! {
    /// The way a message goes.
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Channel: sql_types::MessageChannel {
        /// To an e-mail address.
        Email = "EMAIL",
        /// To a phone.
        Sms = "SMS",
    }
}

/// A message to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = schema::outgoing_messages)]
pub struct NewMessage {
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
    /// Only if somebody has this contact.
    pub only_if_known: bool,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Now: the first try.
    pub due_at: DateTime<Utc>,
    /// Of no use after this.
    pub expires_at: DateTime<Utc>,
}

impl NewMessage {
    /// A message to a contact, of use for some time.
    #[must_use]
    pub fn to(contact: &Contact, subject: String, body: String, lifetime: (DateTime<Utc>, TimeDelta)) -> Self {
        let (now, lifetime) = lifetime;
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

/// A message on its way.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::outgoing_messages)]
pub struct Message {
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
    /// Only if somebody has this contact.
    pub only_if_known: bool,
    /// How often it was tried, this time included.
    pub tries: i32,
    /// When it was put into the queue.
    pub created_at: DateTime<Utc>,
    /// Of no use after this.
    pub expires_at: DateTime<Utc>,
}

/// A message as the SMS gateway and the file get it.
#[derive(Serialize)]
pub struct Posted<'a> {
    kind: Channel,
    to: &'a str,
    subject: &'a str,
    body: &'a str,
    code: Option<&'a str>,
    at: DateTime<Utc>,
}

impl<'a> From<&'a Message> for Posted<'a> {
    fn from(message: &'a Message) -> Self {
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

/// Why a message was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// Try again later.
    #[error("{0}")]
    ForNow(String),
    /// Nobody will ever take it.
    #[error("{0}")]
    ForEver(String),
}
