//! E-mail by SMTP.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use super::model::{Message, Undelivered};
use crate::error::{AppError, AppResult};

/// How long the server may take for each of its answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
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
        Ok(Self { transport: transport.timeout(Some(PATIENCE)).build(), from })
    }

    /// Hands a message to the server.
    ///
    /// # Errors
    /// [`Undelivered::ForEver`] when the server knows no such mailbox, or the address is none to it.
    pub async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let to: Address = message.recipient.parse().map_err(for_ever)?;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(&message.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(message.body.clone())
            .map_err(for_ever)?;
        self.transport.send(mail).await.map(drop).map_err(|error| judge(&error))
    }
}

fn for_ever(error: impl std::fmt::Display) -> Undelivered {
    Undelivered::ForEver(error.to_string())
}

/// 550, 551 and 553 speak of the mailbox, unless they speak of policy (5.7); other refusals, such as a wrong password of
/// ours or a relay that does not know us, may be mended in time.
fn judge(error: &Error) -> Undelivered {
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        text = format!("{text}: {source}");
    }
    let about_mailbox = error.status().is_some_and(|code| matches!(u16::from(code), 550 | 551 | 553));
    if about_mailbox && !text.contains("5.7.") { Undelivered::ForEver(text) } else { Undelivered::ForNow(text) }
}
