//! SMS by a gateway's webhook.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::model::{Message, Posted, Undelivered};
use crate::error::{AppError, AppResult};

/// How long the gateway may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// See the module.
pub struct Webhook {
    client: Client,
    url: Url,
}

impl Webhook {
    /// SMS through this gateway. A name and password in the URL are sent as basic authorization.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(url: Url) -> AppResult<Self> {
        // Fails only where one was installed before, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            Client::builder().timeout(PATIENCE).redirect(Policy::none()).build().map_err(AppError::internal)?;
        Ok(Self { client, url })
    }

    /// Posts a message. Any answer but 2xx means that it has to be sent again; the key tells a repeat from another one.
    ///
    /// # Errors
    /// [`Undelivered::ForNow`].
    pub async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let request = self.client.post(self.url.clone()).json(&Posted::from(message));
        let key = format!("plaza-sms-{}-{}", message.id, message.created_at.timestamp_millis());
        let answer = request.header("idempotency-key", key).send().await;
        // Without the URL, which may have a password in it.
        let answer = answer.map_err(|error| Undelivered::ForNow(format!("{:?}", error.without_url())))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Undelivered::ForNow(format!("the SMS gateway answered {}", answer.status())))
    }
}
