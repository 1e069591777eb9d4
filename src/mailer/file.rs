//! Where messages go that have no other way out: a file in the data folder, one JSON object a line.

use std::path::{Path, PathBuf};

use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::model::{Message, Posted, Undelivered};

/// See the module.
pub struct OutboxFile(PathBuf);

impl OutboxFile {
    /// The file of a data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self(data_dir.join("outbox.jsonl"))
    }

    /// Appends a message. The file is its owner's alone to read: there are codes in it.
    ///
    /// # Errors
    /// [`Undelivered::ForNow`] when it can't be written.
    pub async fn append(&self, message: &Message) -> Result<(), Undelivered> {
        let failed = |error: std::io::Error| Undelivered::ForNow(format!("{}: {error}", self.0.display()));
        let mut line = serde_json::to_vec(&Posted::from(message)).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.0).await.map_err(failed)?;
        // In one piece, so that lines of several processes don't mix.
        file.write_all(&line).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        tracing::info!(id = message.id, to = message.recipient, "a message was written to outbox.jsonl");
        Ok(())
    }
}
