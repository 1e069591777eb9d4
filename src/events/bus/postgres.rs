//! LISTEN and NOTIFY, on connections outside the pool.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::{AsyncMessage, NoTls};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::db::{connect_outside_pool, within};
use crate::error::{AppError, AppResult};
use crate::events::{Events, store};

/// A wake-up that takes longer means that the connection is dead.
const WAKEUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Wake-ups of other instances are sent at most once in this time.
const COALESCING_INTERVAL: Duration = Duration::from_millis(3);

const RELAY_SETTINGS: &str = "set application_name = 'plaza nudges'; set synchronous_commit = off";

/// A connection that listens, and can be read through as well.
pub struct NotifyConnection {
    /// The connection.
    pub conn: AsyncPgConnection,
    closed: CancellationToken,
    _driver: DropGuard,
}

impl NotifyConnection {
    /// Returns once the connection is gone.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

/// Connects, listens, and passes every notification on as a wake-up.
///
/// # Errors
/// When the database can't be reached.
pub async fn listen(events: &Arc<Events>) -> AppResult<NotifyConnection> {
    let (client, mut connection) =
        tokio_postgres::connect(events.database.listen_url(), NoTls).await.map_err(AppError::internal)?;
    let (closed, stop) = (CancellationToken::new(), CancellationToken::new());
    let (gone, dropped, heard) = (closed.clone(), stop.clone(), Arc::clone(events));
    tokio::spawn(async move {
        let drive = async {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(notification) = message {
                    match notification.channel() {
                        "plaza_events" => heard.stream_advanced.notify_one(),
                        "plaza_typing" => heard.typing.receive(notification.payload()),
                        "plaza_presence" => {
                            heard.presence.receive(notification.payload(), Instant::now(), heard.clock.now());
                        }
                        _ => heard.outbox_written.notify_one(),
                    }
                }
            }
        };
        tokio::select! {
            () = drive => {}
            () = dropped.cancelled() => {}
        }
        gone.cancel();
    });
    let driver = stop.drop_guard();
    let mut conn = AsyncPgConnection::try_from(client).await.map_err(AppError::internal)?;
    conn.batch_execute(&format!(
        "set application_name = 'plaza feed'; set timezone = 'UTC'; set jit = off; set statement_timeout = '20s'; {}; \
         listen plaza_events; listen plaza_outbox; listen plaza_typing; listen plaza_presence",
        store::PLAN_SETTINGS
    ))
    .await?;
    events.presence.say_hello();
    Ok(NotifyConnection { conn, closed, _driver: driver })
}

/// While another instance leads, sends this one's wake-ups to it; a lost one costs a second.
pub(in crate::events) async fn relay_wakeups(events: Arc<Events>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = relay(&events) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(cause = %error.describe(), "wake-ups can't be sent just now");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn relay(events: &Arc<Events>) -> AppResult<()> {
    events.remote_wakeup.notified().await;
    let connecting = connect_outside_pool(events.database.listen_url(), RELAY_SETTINGS);
    let conn = within(WAKEUP_TIMEOUT, connecting).await??;
    loop {
        within(WAKEUP_TIMEOUT, store::notify_written(&conn)).await??;
        tokio::time::sleep(COALESCING_INTERVAL).await;
        events.remote_wakeup.notified().await;
    }
}
