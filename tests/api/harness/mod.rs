//! The test harness: one cluster per run, one database per test, real sockets, a clock to advance.

pub mod accounts;
mod app;
pub mod bucket;
mod client;
mod cluster;
pub mod engine;
pub mod files;
pub mod friends;
pub mod groups;
pub mod http;
pub mod market;
pub mod merchants;
pub mod money;
pub mod nearby;
pub mod process;
mod socket;

pub use app::TestApp;
pub use client::{Answer, Person, SEND, direct_message, post};
pub use cluster::cluster;
pub use socket::Socket;

use std::future::Future;
use std::time::Duration;

/// How long tests wait for any condition.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether what only repeats runs in its long form: `make test-full` asks for it.
#[expect(clippy::disallowed_methods, reason = "what `make test-full` sets is no setting of Plaza's")]
pub fn is_full() -> bool {
    std::env::var("PLAZA_TESTS").is_ok_and(|form| form == "full")
}

/// A mutation whose variables are called as its arguments, with what it gives beside its user errors.
pub fn mutation_document(field: &str, parameters: &str, selection: &str) -> String {
    let names = parameters.split(", ").filter_map(|parameter| parameter.split_once(':'));
    let arguments: Vec<String> = names.map(|(name, _)| format!("{}: {name}", &name[1..])).collect();
    let arguments = arguments.join(", ");
    format!("mutation ({parameters}) {{ {field}({arguments}) {{ {selection} userErrors {{ code field }} }} }}")
}

/// Waits until something holds, by looking again and again.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let look = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !holds().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(WAIT_TIMEOUT, look).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// Connects to a database, apart from any instance.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the database answers");
    tokio::spawn(connection);
    client
}

/// Connects, and waits until all other clients of the database have gone: what a session has read is counted at its end at the
/// latest.
pub async fn connect_alone(url: &str) -> tokio_postgres::Client {
    let sql = connect(url).await;
    let others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'";
    until("all have gone", || async { sql.query_one(others, &[]).await.unwrap().get::<_, i64>(0) == 0 }).await;
    sql
}
