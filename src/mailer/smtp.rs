//! E-mail by SMTP.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use super::model::{DeliveryError, OutgoingMessage};
use crate::error::{AppError, AppResult};

/// Timeout of each response of the server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module docs.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// Mail through this server, from this sender.
    ///
    /// # Errors
    /// When the URL is none, or TLS can't be set up.
    pub fn new(url: &str, from: Mailbox) -> AppResult<Self> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(AppError::internal)?;
        Ok(Self { transport: transport.timeout(Some(RESPONSE_TIMEOUT)).build(), from })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`DeliveryError::Permanent`] when the server knows no such mailbox, or the address is none to it.
    pub async fn send(&self, message: &OutgoingMessage) -> Result<(), DeliveryError> {
        let to: Address = message.recipient.parse().map_err(permanent)?;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(&message.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(message.body.clone())
            .map_err(permanent)?;
        self.transport.send(mail).await.map(drop).map_err(|error| classify(&error))
    }
}

fn permanent(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::Permanent(error.to_string())
}

/// 550, 551 and 553 mean the mailbox is unavailable, unless by policy (5.7.x). Others, such as authentication or relay
/// errors, may be fixed by the operator.
fn classify(error: &Error) -> DeliveryError {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        text = format!("{text}: {source}");
    }
    let about_mailbox = error.status().is_some_and(|code| matches!(u16::from(code), 550 | 551 | 553));
    if about_mailbox && !text.contains("5.7.") {
        DeliveryError::Permanent(text)
    } else {
        DeliveryError::Transient(text)
    }
}
