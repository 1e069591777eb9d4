//! The fallback transport: a file in the data folder, one JSON object a line.

use std::path::{Path, PathBuf};

use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::model::{DeliveryError, MessageJson, OutgoingMessage};

/// See the module docs.
pub struct OutboxFile(PathBuf);

impl OutboxFile {
    /// The file of a data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self(data_dir.join("outbox.jsonl"))
    }

    /// Appends a message. Mode 0600, as messages contain codes.
    ///
    /// # Errors
    /// [`DeliveryError::Transient`] when it can't be written.
    pub async fn append(&self, message: &OutgoingMessage) -> Result<(), DeliveryError> {
        let failed = |error: std::io::Error| DeliveryError::Transient(format!("{}: {error}", self.0.display()));
        let mut line = serde_json::to_vec(&MessageJson::from(message)).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.0).await.map_err(failed)?;
        // One write, so that lines of several processes don't interleave.
        file.write_all(&line).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        tracing::info!(id = message.id, to = message.recipient, "message written to outbox.jsonl");
        Ok(())
    }
}
