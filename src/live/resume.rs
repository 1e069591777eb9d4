//! Resuming beside the arguments: for transports that carry a cursor of their own, such as `Last-Event-ID`.
//!
//! The transport puts a [`Resume`] into the request's data. A subscription that can be resumed starts behind its cursor,
//! which takes precedence over `after` (the document stays the same through all reconnects, the cursor moves on), and notes in it how
//! far it has come, so that the transport can name each event.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::AppResult;
use crate::events::cursor::StreamCursor;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    after: Option<StreamCursor>,
    reached: Arc<Mutex<Option<StreamCursor>>>,
}

impl Resume {
    /// Resumes behind a cursor.
    ///
    /// # Errors
    /// Bad input when it is no cursor of the stream.
    pub fn after(text: &str) -> AppResult<Self> {
        Ok(Self { after: Some(StreamCursor::parse(text)?), reached: Arc::default() })
    }

    /// Where to start.
    #[must_use]
    pub fn start(&self) -> Option<StreamCursor> {
        self.after
    }

    /// Notes the event that is handed out now.
    pub fn note(&self, cursor: StreamCursor) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor);
    }

    /// The cursor of the event handed out last.
    #[must_use]
    pub fn reached(&self) -> Option<String> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).map(|cursor| cursor.encode())
    }
}
