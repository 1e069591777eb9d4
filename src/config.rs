//! Settings: from the environment only, read once at start, all errors reported together.
//!
//! The README's table lists every setting; a test compares it with [`SETTINGS`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A setting's name, its default as the README shows it, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name of the environment variable.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// One sentence for whoever runs Plaza.
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($name:literal, $default:literal, $meaning:literal;)+) => {
        /// Every setting there is.
        pub const SETTINGS: &[Setting] = &[$(Setting { name: $name, default: $default, meaning: $meaning }),+];
    };
}

settings! {
    "DATABASE_URL", "embedded", "PostgreSQL 15 or newer to use instead of the embedded cluster";
    "LISTEN_DATABASE_URL", "DATABASE_URL", "the same database past a pooler such as PgBouncer, for LISTEN and locks";
    "PLAZA_BIND", "127.0.0.1:8000", "address and port to listen on";
    "PLAZA_DATA_DIR", "./data", "folder for the embedded cluster and generated secrets";
    "PLAZA_PG_BIN", "searched for", "folder with initdb and postgres for the embedded cluster";
    "PLAZA_JWT_SECRET", "generated when embedded", "signs access tokens, at least 32 bytes; required with DATABASE_URL";
    "PLAZA_JWT_SECRET_PREVIOUS", "none", "still accepted while the secret is being rotated";
    "PLAZA_EVENT_RETENTION_DAYS", "30", "how long clients can resume from an event cursor, 1 to 365";
    "PLAZA_LIMIT_DB_CONNECTIONS", "8", "connections in the pool, 2 to 200";
    "PLAZA_LIMIT_MUTATIONS", "256", "mutations running at once, 1 to 100000; more are refused as overloaded";
    "PLAZA_LOG", "text,info", "text or json, and a level or filter such as debug or plaza=debug";
    "PLAZA_PRODUCTION", "false", "true turns off introspection, GraphiQL and suggestions in errors";
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
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
    /// The data folder.
    pub data_dir: PathBuf,
    /// Where PostgreSQL's programs are.
    pub pg_bin: Option<PathBuf>,
    /// Signs access tokens; none means: generate one into the data folder.
    pub jwt_secret: Option<String>,
    /// Accepted beside the first.
    pub jwt_secret_previous: Option<String>,
    /// Days that events are kept.
    pub event_retention_days: u32,
    /// Size of the connection pool.
    pub db_connections: u32,
    /// Mutations at once.
    pub mutations: usize,
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

/// Reads settings one by one and keeps what is wrong with them.
struct Reader {
    values: BTreeMap<String, String>,
    errors: Vec<String>,
}

impl Reader {
    fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, default: T, wanted: &str) -> T {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.errors.push(format!("{name} is {text:?}, but must be {wanted}"));
            default
        })
    }

    fn number(&mut self, name: &str, default: u32, least: u32, most: u32) -> u32 {
        let wanted = format!("a whole number from {least} to {most}");
        let value = self.parsed(name, default, &wanted);
        if (least..=most).contains(&value) {
            return value;
        }
        self.errors.push(format!("{name} is {value}, but must be {wanted}"));
        default
    }

    fn secret(&mut self, name: &str) -> Option<String> {
        let secret = self.text(name)?;
        if secret.len() < 32 {
            self.errors.push(format!("{name} is too short: {} bytes, at least 32 are needed", secret.len()));
        }
        Some(secret)
    }

    fn postgres_url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        match url.parse::<tokio_postgres::Config>() {
            Err(error) => self.errors.push(format!("{name} is no PostgreSQL connection string: {error}")),
            Ok(config) if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require => self.errors.push(
                format!("{name} asks for sslmode=require, which Plaza can't do yet: use a private network or a tunnel"),
            ),
            Ok(_) => {}
        }
        Some(url)
    }
}

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
        let config = Self {
            bind: reader.parsed("PLAZA_BIND", default_bind, "an address and port such as 0.0.0.0:8000"),
            data_dir: reader.text("PLAZA_DATA_DIR").unwrap_or_else(|| "./data".into()).into(),
            pg_bin: reader.text("PLAZA_PG_BIN").map(PathBuf::from),
            jwt_secret_previous: reader.secret("PLAZA_JWT_SECRET_PREVIOUS"),
            event_retention_days: reader.number("PLAZA_EVENT_RETENTION_DAYS", 30, 1, 365),
            db_connections: reader.number("PLAZA_LIMIT_DB_CONNECTIONS", 8, 2, 200),
            mutations: reader.number("PLAZA_LIMIT_MUTATIONS", 256, 1, 100_000) as usize,
            production: reader.parsed("PLAZA_PRODUCTION", false, "true or false"),
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
        ] {
            assert!(error.contains(name), "{name} is missing in {error}");
        }
    }

    #[test]
    fn the_log_setting_is_a_format_and_a_filter() {
        assert_eq!(log("json,debug"), (LogFormat::Json, "debug".into()));
        assert_eq!(log("plaza=debug,info"), (LogFormat::Text, "plaza=debug,info".into()));
    }
}
