//! SMS by a gateway's webhook.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::model::{DeliveryError, MessageJson, OutgoingMessage};
use crate::error::{AppError, AppResult};

/// Timeout of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// See the module docs.
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
            Client::builder().timeout(REQUEST_TIMEOUT).redirect(Policy::none()).build().map_err(AppError::internal)?;
        Ok(Self { client, url })
    }

    /// Posts a message with an idempotency key; any status but 2xx is retried.
    ///
    /// # Errors
    /// [`DeliveryError::Transient`].
    pub async fn send(&self, message: &OutgoingMessage) -> Result<(), DeliveryError> {
        let request = self.client.post(self.url.clone()).json(&MessageJson::from(message));
        let key = format!("plaza-sms-{}-{}", message.id, message.created_at.timestamp_millis());
        let answer = request.header("idempotency-key", key).send().await;
        // Without the URL, which may contain a password.
        let answer = answer.map_err(|error| DeliveryError::Transient(format!("{:?}", error.without_url())))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(DeliveryError::Transient(format!("the SMS gateway answered {}", answer.status())))
    }
}
