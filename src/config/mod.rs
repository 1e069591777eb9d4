//! Settings: from the environment only, read once at start, all errors reported together.
//!
//! The README's table lists every setting; a test compares it with [`SETTINGS`].

pub mod limits;
mod origins;
mod reader;
mod settings;
mod transport;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use argon2::Params;
use axum::http::{HeaderName, HeaderValue};
use lettre::message::Mailbox;

use crate::config::limits::DocumentLimits;
use crate::files::subprocess::DECODING_TIMEOUT;
use crate::storage::StorageSettings;
pub use origins::is_of_this_machine;
use reader::Reader;
pub use reader::Recharge;
pub use settings::{SETTINGS, Setting};
pub use transport::TransportLimits;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human-readable.
    Text,
    /// One JSON object a line.
    Json,
}

/// A rate limit; local programs are exempt from the default value.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// The limit.
    pub most: u32,
    /// Set explicitly: then it applies to local programs as well.
    pub explicit: bool,
}

/// Settings of tasks.
#[derive(Clone, Copy, Debug)]
pub struct TaskSettings {
    /// How long a publisher has to finish or dispute a submitted task, before it is finished by itself.
    pub review_time: Duration,
    /// Accepted tasks of a user that are not over.
    pub most_accepted: u32,
}

/// Rate limits per address and account.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Requests a second from one address.
    pub requests: Rate,
    /// Wrong passwords for one account from one address in 15 minutes.
    pub logins: Rate,
    /// Accounts made from one address in an hour.
    pub registrations: Rate,
    /// One-time codes a day to one contact; parts and multiples of it from one address.
    pub codes: Rate,
    /// SMS with codes in an hour, to all numbers.
    pub sms: Rate,
    /// Image captchas for one address in 10 minutes.
    pub captchas: Rate,
    /// Files that a user may upload in an hour.
    pub files: Rate,
    /// Items, tasks, tickets and groups that a user may create in an hour, of each.
    pub creations: Rate,
    /// Items that a user may take, and tasks that they may accept, in a day, of each.
    pub takings: Rate,
    /// Direct conversations that a user may start in a day.
    pub conversations: Rate,
    /// Friend requests, and requests to join groups, that a user may send in a day, of each.
    pub friend_requests: Rate,
    /// Cells of the grid from which a user may ask in an hour who is near.
    pub near_cells: Rate,
    /// Messages that a user may send to a person who has not answered.
    pub unanswered: Rate,
}

/// How mail and SMS leave.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The mail server; none means the file in the data folder.
    pub smtp_url: Option<String>,
    /// The sender.
    pub from: Mailbox,
    /// The gateway; none means the file in the data folder.
    pub sms_webhook_url: Option<reqwest::Url>,
}

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database; none means the embedded cluster.
    pub database_url: Option<String>,
    /// The database past a pooler.
    pub listen_database_url: Option<String>,
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where people reach Plaza, without a slash at its end.
    pub public_url: String,
    /// Local programs are exempt from default limits, as none of them is known to be a proxy.
    pub spares_local: bool,
    /// How mail and SMS leave.
    pub mail: MailSettings,
    /// Ask for a captcha every time.
    pub require_captcha: bool,
    /// Settings of tasks.
    pub tasks: TaskSettings,
    /// Whether users may add play money to their balance.
    pub recharge: Recharge,
    /// Storage of uploaded files.
    pub storage: StorageSettings,
    /// MiB of files that a user may keep.
    pub upload_quota_mb: u32,
    /// The program that decodes pictures; none means this one, and no setting says otherwise.
    pub decoder: Option<PathBuf>,
    /// How long that program may take for one picture; no setting says otherwise.
    pub decoder_timeout: Duration,
    /// How much work the hash of a password is; no setting says otherwise.
    pub password_cost: Params,
    /// The data folder.
    pub data_dir: PathBuf,
    /// Where PostgreSQL's programs are.
    pub pg_bin: Option<PathBuf>,
    /// Signs access tokens; none means: generate one into the data folder.
    pub jwt_secret: Option<String>,
    /// Accepted beside the first.
    pub jwt_secret_previous: Option<String>,
    /// Token for reading metrics remotely.
    pub metrics_token: Option<String>,
    /// Days that events are kept.
    pub event_retention_days: u32,
    /// Seconds that an event may wait while the instance is ready.
    pub event_lag_seconds: u32,
    /// Size of the connection pool.
    pub db_connections: u32,
    /// Mutations at once.
    pub mutations: usize,
    /// Pages of these origins may ask; one's own always may.
    pub allowed_origins: Vec<HeaderValue>,
    /// The proxy's header with the client's address.
    pub trusted_proxy_header: Option<HeaderName>,
    /// The manifest of trusted documents.
    pub trusted_documents: Option<PathBuf>,
    /// Limits of documents.
    pub document_limits: DocumentLimits,
    /// MiB of parsed documents.
    pub document_cache_mb: u32,
    /// Limits of the transport.
    pub transport: TransportLimits,
    /// Limits by address and account.
    pub rates: RateLimits,
    /// Format of the log.
    pub log_format: LogFormat,
    /// Level or filter of the log.
    pub log_filter: String,
    /// No introspection, no GraphiQL, no suggestions.
    pub production: bool,
}

/// Every setting that is wrong, by name.
#[derive(Debug, thiserror::Error)]
#[error("Plaza can't start with these settings:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// With all settings that are wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::parse(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))),
        )
    }

    /// Reads settings from names and values.
    ///
    /// # Errors
    /// With all settings that are wrong.
    pub fn parse(values: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut reader = Reader { values: values.into_iter().collect(), errors: Vec::new() };
        let database_url = reader.postgres_url("DATABASE_URL");
        let listen_database_url = reader.postgres_url("LISTEN_DATABASE_URL");
        if listen_database_url.is_some() && database_url.is_none() {
            reader.errors.push("LISTEN_DATABASE_URL is set without DATABASE_URL".into());
        }
        let jwt_secret = reader.secret("PLAZA_JWT_SECRET");
        if database_url.is_some() && jwt_secret.is_none() {
            reader.errors.push(
                "PLAZA_JWT_SECRET is required with DATABASE_URL: all instances share it (openssl rand -hex 32)".into(),
            );
        }
        let (log_format, log_filter) = log(&reader.text("PLAZA_LOG").unwrap_or_default());
        if log_filter.parse::<tracing_subscriber::EnvFilter>().is_err() {
            reader.errors.push(format!("PLAZA_LOG has the filter {log_filter:?}, which is no level or filter"));
        }
        let default_bind = SocketAddr::from(([127, 0, 0, 1], 8000));
        let bind = reader.parsed("PLAZA_BIND", default_bind, "an address and port such as 0.0.0.0:8000");
        let public_url = reader.public_url("PLAZA_PUBLIC_URL");
        let spares_local = public_url.as_deref().is_none_or(is_of_this_machine);
        let public_url = public_url.unwrap_or_else(|| format!("http://{bind}"));
        let production = reader.parsed("PLAZA_PRODUCTION", false, "true or false");
        let config = Self {
            bind,
            recharge: reader.recharge("PLAZA_RECHARGE", production),
            tasks: reader.tasks(),
            mail: reader.mail(&public_url),
            public_url,
            spares_local,
            require_captcha: reader.parsed("PLAZA_REQUIRE_CAPTCHA", false, "true or false"),
            decoder: None,
            decoder_timeout: DECODING_TIMEOUT,
            password_cost: Params::DEFAULT,
            storage: reader.storage(),
            upload_quota_mb: reader.number("PLAZA_UPLOAD_QUOTA_MB", 500, 1, 1 << 20),
            data_dir: reader.text("PLAZA_DATA_DIR").unwrap_or_else(|| "./data".into()).into(),
            pg_bin: reader.text("PLAZA_PG_BIN").map(PathBuf::from),
            jwt_secret_previous: reader.secret("PLAZA_JWT_SECRET_PREVIOUS"),
            metrics_token: reader.secret("PLAZA_METRICS_TOKEN"),
            event_retention_days: reader.number("PLAZA_EVENT_RETENTION_DAYS", 30, 1, 365),
            event_lag_seconds: reader.number("PLAZA_EVENT_LAG_SECONDS", 30, 1, 3600),
            db_connections: reader.number("PLAZA_LIMIT_DB_CONNECTIONS", 8, 2, 200),
            mutations: reader.number("PLAZA_LIMIT_MUTATIONS", 256, 1, 100_000) as usize,
            production,
            allowed_origins: reader.origins("PLAZA_ALLOWED_ORIGINS"),
            trusted_proxy_header: reader.header("PLAZA_TRUSTED_PROXY_HEADER"),
            trusted_documents: reader.text("PLAZA_TRUSTED_DOCUMENTS").map(PathBuf::from),
            document_limits: reader.document_limits(),
            document_cache_mb: reader.number("PLAZA_LIMIT_DOCUMENT_CACHE_MB", 32, 1, 4096),
            transport: reader.transport_limits(),
            rates: reader.rates(),
            database_url,
            listen_database_url,
            jwt_secret,
            log_format,
            log_filter,
        };
        if reader.errors.is_empty() { Ok(config) } else { Err(ConfigError(reader.errors)) }
    }
}

/// `json,debug`, `text`, `debug`, `json,plaza=debug,info` …: a word for the format, the rest is the filter.
fn log(text: &str) -> (LogFormat, String) {
    let mut format = LogFormat::Text;
    let mut filter = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "text" => format = LogFormat::Text,
            "json" => format = LogFormat::Json,
            other => filter.push(other),
        }
    }
    (format, if filter.is_empty() { "info".to_owned() } else { filter.join(",") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn nothing_set_is_fine() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:8000");
        assert_eq!((config.log_format, config.log_filter.as_str()), (LogFormat::Text, "info"));
    }

    #[test]
    fn all_errors_come_at_once_and_by_name() {
        let error = parse(&[
            ("DATABASE_URL", "postgres://localhost/plaza"),
            ("PLAZA_BIND", "8000"),
            ("PLAZA_EVENT_RETENTION_DAYS", "0"),
            ("PLAZA_LIMIT_DB_CONNECTIONS", "many"),
            ("PLAZA_PRODUCTION", "yes"),
            ("PLAZA_JWT_SECRET_PREVIOUS", "short"),
            ("PLAZA_LOG", "json,=="),
            ("PLAZA_PUBLIC_URL", "plaza.example.com"),
            ("SMTP_URL", "smtp://ada:secret@mail.example.com"),
            ("PLAZA_MAIL_FROM", "nobody"),
            ("SMS_WEBHOOK_URL", "ftp://example.com"),
            ("PLAZA_RECHARGE", "yes"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "PLAZA_JWT_SECRET is required",
            "PLAZA_BIND",
            "PLAZA_EVENT_RETENTION_DAYS",
            "PLAZA_LIMIT_DB_CONNECTIONS",
            "PLAZA_PRODUCTION",
            "PLAZA_JWT_SECRET_PREVIOUS",
            "PLAZA_LOG",
            "PLAZA_PUBLIC_URL",
            "SMTP_URL would send its password in the clear",
            "PLAZA_MAIL_FROM",
            "SMS_WEBHOOK_URL",
            "PLAZA_RECHARGE",
        ] {
            assert!(error.contains(name), "{name} is missing in {error}");
        }
    }

    #[test]
    fn mail_comes_from_the_public_host() {
        let from = |values: &[(&str, &str)]| parse(values).unwrap().mail.from.to_string();
        assert_eq!(from(&[]), "Plaza <no-reply@localhost>");
        assert_eq!(from(&[("PLAZA_PUBLIC_URL", "https://plaza.example.com/")]), "Plaza <no-reply@plaza.example.com>");
        assert_eq!(from(&[("PLAZA_MAIL_FROM", "Ada <ada@example.com>")]), "Ada <ada@example.com>");
        parse(&[("SMTP_URL", "smtps://ada:secret@mail.example.com")]).unwrap();
        parse(&[("SMTP_URL", "smtp://ada:secret@mail.example.com?tls=required")]).unwrap();
    }

    #[test]
    fn who_is_reached_from_elsewhere_spares_nobody() {
        let spares = |url: &str| parse(&[("PLAZA_PUBLIC_URL", url)]).unwrap().spares_local;
        assert!(parse(&[]).unwrap().spares_local);
        assert!(spares("http://localhost:8000") && spares("http://127.0.0.1:8000/") && spares("http://[::1]:8000"));
        assert!(!spares("https://plaza.example.com") && !spares("http://192.168.0.7:8000"));
    }

    #[test]
    fn the_log_setting_is_a_format_and_a_filter() {
        assert_eq!(log("json,debug"), (LogFormat::Json, "debug".into()));
        assert_eq!(log("plaza=debug,info"), (LogFormat::Text, "plaza=debug,info".into()));
    }
}
