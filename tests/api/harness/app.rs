//! Plaza as tests run it: the real router on a real socket, a database of its own, a clock to move.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use argon2::Params;
use plaza::app::App;
use plaza::background;
use plaza::clock::Clock;
use plaza::config::Config;
use plaza::db::Database;
use plaza::error::AppResult;
use plaza::graphql::engine::Engine;
use plaza::http::endpoint::Endpoint;
use plaza::http::server::{ConnectionLimits, StartupGate, serve};
use plaza::live::Live;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::client::{Answer, Person, post};
use super::cluster::{TestDatabase, cluster};

/// What tests replace that no setting covers.
struct BuildOptions {
    decoder: Option<(PathBuf, Duration)>,
    password_cost: Params,
}

impl Default for BuildOptions {
    /// With the least that Argon2 takes: nearly every test registers people, and few are about their passwords.
    fn default() -> Self {
        let password_cost = Params::new(Params::MIN_M_COST, 1, 1, None).expect("Argon2 takes its least");
        Self { decoder: None, password_cost }
    }
}

/// One instance.
pub struct TestApp {
    /// The app, for what can't be seen from outside.
    pub app: Arc<App>,
    /// Live delivery there.
    pub live: Arc<Live>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its database.
    pub url: String,
    shift: Arc<AtomicI64>,
    /// Dropped with the last instance on it.
    database: Option<Arc<TestDatabase>>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.draining.cancel();
        self.app.stop.cancel();
    }
}

impl TestApp {
    /// An instance on a database of its own.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// An instance with settings of its own.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::own(settings, BuildOptions::default(), Endpoint::new).await
    }

    /// Another instance on the same database.
    pub async fn another_instance(&self) -> Self {
        let mut other = Self::on_database(self.url.clone(), &[]).await;
        other.database.clone_from(&self.database);
        other
    }

    /// An instance on this database.
    pub async fn on_database(url: String, settings: &[(&str, &str)]) -> Self {
        Self::build(url, settings, BuildOptions::default(), Endpoint::new).await
    }

    /// An instance that serves the test's own schema.
    pub async fn with_engine(engine: impl Engine, settings: &[(&str, &str)]) -> Self {
        Self::own(settings, BuildOptions::default(), |live| Endpoint::with(live, Arc::new(engine))).await
    }

    /// An instance that decodes pictures by another program within a timeout.
    pub async fn with_decoder(program: PathBuf, timeout: Duration) -> Self {
        let options = BuildOptions { decoder: Some((program, timeout)), ..BuildOptions::default() };
        Self::own(&[], options, Endpoint::new).await
    }

    /// An instance that hashes passwords at the cost of production.
    pub async fn with_default_password_cost() -> Self {
        Self::own(&[], BuildOptions { password_cost: Params::DEFAULT, ..BuildOptions::default() }, Endpoint::new).await
    }

    async fn own(
        settings: &[(&str, &str)],
        options: BuildOptions,
        endpoint: impl FnOnce(&Arc<Live>) -> AppResult<Endpoint>,
    ) -> Self {
        let database = cluster().migrated().await;
        let mut app = Self::build(database.url.clone(), settings, options, endpoint).await;
        app.database = Some(Arc::new(database));
        app
    }

    async fn build(
        url: String,
        settings: &[(&str, &str)],
        options: BuildOptions,
        endpoint: impl FnOnce(&Arc<Live>) -> AppResult<Endpoint>,
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = cluster().folder(&format!("app-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let data_dir = folder.display().to_string();
        let mut values = BTreeMap::from([
            ("DATABASE_URL", url.as_str()),
            ("PLAZA_DATA_DIR", &data_dir),
            ("PLAZA_JWT_SECRET", "a secret of the tests, long enough"),
            ("PLAZA_LIMIT_DB_CONNECTIONS", "4"),
        ]);
        values.extend(settings.iter().copied());
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut config = Config::parse(values).expect("the tests' settings are right");
        // The tests' own program has no such command.
        let own = (env!("CARGO_BIN_EXE_plaza").into(), config.decoder_timeout);
        let (program, timeout) = options.decoder.unwrap_or(own);
        (config.decoder, config.decoder_timeout) = (Some(program), timeout);
        config.password_cost = options.password_cost;
        let database = Database::connect(&url, None, config.db_connections).await.expect("the database answers");
        let shift = Arc::new(AtomicI64::new(0));
        let app = App::build(config, database, Clock::Shifted(Arc::clone(&shift))).await.expect("the app is built");
        std::fs::create_dir_all(&folder).expect("the folder is ours");
        let live = Live::open(Arc::clone(&app)).await.expect("the database answers");
        background::start(&live);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the port is known");
        let front = StartupGate::open_with(endpoint(&live).expect("the endpoint is built").router());
        tokio::spawn(serve(listener, front, ConnectionLimits::of(&app.config), app.stop.clone()));
        Self { app, live, address, url, shift, database: None }
    }

    /// Moves the clock forward.
    pub fn advance_clock(&self, time: Duration) {
        self.shift.fetch_add(i64::try_from(time.as_millis()).expect("no test lives that long"), Ordering::Relaxed);
    }

    /// Runs an operation without a token.
    pub async fn run(&self, document: &str, variables: Value) -> Answer {
        post(self.address, None, document, variables).await
    }

    /// Registers a user and signs them in.
    pub async fn as_user(&self, username: &str) -> Person {
        let answer = self
            .run(
                "mutation ($input: RegisterInput!) { register(input: $input) {
                    tokens { accessToken refreshToken } user { id } userErrors { code message } } }",
                json!({ "input": { "username": username, "password": Person::PASSWORD } }),
            )
            .await;
        let payload = &answer.data()["register"];
        assert_eq!(payload["userErrors"], json!([]), "{username} can register");
        Person::new(self.address, payload)
    }

    /// Registers several users and signs them in.
    pub async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let mut people = Vec::with_capacity(N);
        for name in names {
            people.push(self.as_user(name).await);
        }
        people.try_into().unwrap_or_else(|_| panic!("as many as there are names"))
    }

    /// The mail and SMS sent so far, from the outbox file in the data folder.
    pub fn outbox(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.app.config.data_dir.join("outbox.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// Waits until `count` mails or SMS went to a contact, and returns the last.
    pub async fn wait_for_mail(&self, contact: &str, count: usize) -> Value {
        let to = || self.outbox().into_iter().filter(|message| message["to"] == contact).collect::<Vec<_>>();
        super::until(&format!("{contact} got {count} messages"), || async { to().len() >= count }).await;
        let mut messages = to();
        assert_eq!(messages.len(), count, "{messages:?}");
        messages.pop().expect("a message")
    }

    /// Waits until `count` mails or SMS went to a contact, and returns the code in the last.
    pub async fn wait_for_code(&self, contact: &str, count: usize) -> String {
        self.wait_for_mail(contact, count).await["code"].as_str().expect("a code").to_owned()
    }

    /// A separate connection to the database, for checks and set-up.
    pub async fn sql(&self) -> tokio_postgres::Client {
        super::connect(&self.url).await
    }

    /// The number in the first column of the single row of a query.
    pub async fn query_number(&self, sql: &str) -> i64 {
        self.sql().await.query_one(sql, &[]).await.expect("the statement is right").get(0)
    }

    /// Runs a future and counts the statements sent meanwhile, with nothing in memory before.
    pub async fn count_statements<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        self.app.seen_people.clear();
        self.app.seen_media.clear();
        self.count_statements_warm(work).await
    }

    /// As [`TestApp::count_statements`], with what earlier requests have left in memory.
    pub async fn count_statements_warm<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        let before = self.app.database.statements().total();
        let result = work.await;
        (result, self.app.database.statements().total() - before)
    }
}
