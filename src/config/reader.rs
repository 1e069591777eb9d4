//! Reading settings one by one, and remembering what is wrong with each.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderName;

use super::{MailSettings, Rate, RateLimits, TaskSettings};
use crate::config::limits::DocumentLimits;
use crate::storage::{S3Settings, StorageSettings};
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

/// Whether people may recharge their own balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recharge {
    /// With play money.
    Sandbox,
    /// Only administrators adjust balances.
    Off,
}

/// Reads settings one by one and keeps what is wrong with them.
pub struct Reader {
    /// By name.
    pub values: BTreeMap<String, String>,
    /// What is wrong with them.
    pub errors: Vec<String>,
}

impl Reader {
    pub fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, default: T, wanted: &str) -> T {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.errors.push(format!("{name} is {text:?}, but must be {wanted}"));
            default
        })
    }

    pub fn number(&mut self, name: &str, default: u32, least: u32, most: u32) -> u32 {
        let wanted = format!("a whole number from {least} to {most}");
        let value = self.parsed(name, default, &wanted);
        if (least..=most).contains(&value) {
            return value;
        }
        self.errors.push(format!("{name} is {value}, but must be {wanted}"));
        default
    }

    pub fn size(&mut self, name: &str, default: u32, least: u32, most: u32) -> usize {
        self.number(name, default, least, most) as usize
    }

    pub fn rate(&mut self, name: &str, default: u32) -> Rate {
        Rate { most: self.number(name, default, 1, 1_000_000), explicit: self.text(name).is_some() }
    }

    pub fn rates(&mut self) -> RateLimits {
        RateLimits {
            requests: self.rate("PLAZA_LIMIT_REQUESTS_PER_SECOND", 200),
            logins: self.rate("PLAZA_LIMIT_LOGINS", 10),
            registrations: self.rate("PLAZA_LIMIT_REGISTRATIONS", 30),
            codes: self.rate("PLAZA_LIMIT_CODES", 10),
            sms: self.rate("PLAZA_LIMIT_SMS", 1000),
            captchas: self.rate("PLAZA_LIMIT_CAPTCHAS", 60),
            files: self.rate("PLAZA_LIMIT_USER_FILES", 600),
            creations: self.rate("PLAZA_LIMIT_CREATIONS", 60),
            takings: self.rate("PLAZA_LIMIT_TAKINGS", 50),
            conversations: self.rate("PLAZA_LIMIT_NEW_CONVERSATIONS", 50),
            friend_requests: self.rate("PLAZA_LIMIT_FRIEND_REQUESTS", 50),
            near_cells: self.rate("PLAZA_LIMIT_NEAR_CELLS", 30),
            unanswered: self.rate("PLAZA_LIMIT_UNANSWERED_MESSAGES", 20),
        }
    }

    pub fn tasks(&mut self) -> TaskSettings {
        let review = self.number("PLAZA_TASK_REVIEW_SECONDS", 604_800, 1, 31_536_000);
        TaskSettings {
            review_time: Duration::from_secs(review.into()),
            most_accepted: self.number("PLAZA_LIMIT_ACCEPTED_TASKS", 20, 1, 1_000_000),
        }
    }

    /// `sandbox`, unless this is production, or `off`.
    pub fn recharge(&mut self, name: &str, production: bool) -> Recharge {
        match self.text(name).as_deref() {
            None | Some("sandbox") if !production => Recharge::Sandbox,
            None | Some("sandbox" | "off") => Recharge::Off,
            Some(_) => {
                self.errors.push(format!("{name} has to be sandbox or off"));
                Recharge::Off
            }
        }
    }

    pub fn header(&mut self, name: &str) -> Option<HeaderName> {
        let text = self.text(name)?;
        let header = text.parse().ok();
        if header.is_none() {
            self.errors.push(format!("{name} is {text:?}, which is no header's name"));
        }
        header
    }

    pub fn document_limits(&mut self) -> DocumentLimits {
        let default = DocumentLimits::default();
        DocumentLimits {
            document_bytes: self.number("PLAZA_LIMIT_DOCUMENT_BYTES", default.document_bytes, 64, 1 << 20),
            tokens: self.number("PLAZA_LIMIT_TOKENS", default.tokens, 10, 100_000),
            nesting: self.number("PLAZA_LIMIT_NESTING", default.nesting, 8, 128),
            depth: self.number("PLAZA_LIMIT_DEPTH", default.depth, 1, 100),
            root_fields: self.number("PLAZA_LIMIT_ROOT_FIELDS", default.root_fields, 1, 1000),
            fields: self.number("PLAZA_LIMIT_FIELDS", default.fields, 10, 10_000),
            aliases: self.number("PLAZA_LIMIT_ALIASES", default.aliases, 0, 1000),
            directives: self.number("PLAZA_LIMIT_DIRECTIVES", default.directives, 0, 1000),
            fragments: self.number("PLAZA_LIMIT_FRAGMENTS", default.fragments, 0, 1000),
            cost: self.number("PLAZA_LIMIT_COST", default.cost, 100, 10_000_000),
        }
    }

    pub fn storage(&mut self) -> StorageSettings {
        let Some(text) = self.text("PLAZA_STORAGE_URL") else { return StorageSettings::Folder(None) };
        let url = text.parse::<reqwest::Url>().ok();
        let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        match url.as_ref().map(reqwest::Url::scheme) {
            Some("file") if host.is_empty() => StorageSettings::Folder(url.and_then(|url| url.to_file_path().ok())),
            Some("s3") if !host.is_empty() => {
                let prefix = url.map(|url| url.path().trim_matches('/').to_owned()).unwrap_or_default();
                self.bucket(host, prefix)
            }
            _ => {
                self.errors.push(format!(
                    "PLAZA_STORAGE_URL is {text:?}, but must be like file:///srv/media or s3://bucket/prefix"
                ));
                StorageSettings::Folder(None)
            }
        }
    }

    fn bucket(&mut self, bucket: String, prefix: String) -> StorageSettings {
        let region = self.text("PLAZA_STORAGE_REGION").unwrap_or_else(|| "us-east-1".into());
        let mut key = |name: &str| {
            let key = self.text(name);
            if key.is_none() {
                self.errors.push(format!("{name} is required with a bucket in PLAZA_STORAGE_URL"));
            }
            key.unwrap_or_default()
        };
        let (access_key, secret_key) = (key("PLAZA_STORAGE_ACCESS_KEY"), key("PLAZA_STORAGE_SECRET_KEY"));
        let own = format!("https://s3.{region}.amazonaws.com").parse().ok();
        let Some(endpoint) = self.web_url("PLAZA_STORAGE_ENDPOINT").or(own) else {
            self.errors.push(format!("PLAZA_STORAGE_REGION is {region:?}, which is no region"));
            return StorageSettings::Folder(None);
        };
        StorageSettings::S3(Box::new(S3Settings { bucket, prefix, endpoint, region, access_key, secret_key }))
    }

    /// An `http` or `https` URL, without a slash at its end.
    pub fn public_url(&mut self, name: &str) -> Option<String> {
        let url = self.web_url(name)?;
        if url.query().is_some() || url.fragment().is_some() {
            self.errors.push(format!("{name} has a query or a fragment: links are built by adding a path"));
        }
        Some(url.as_str().trim_end_matches('/').to_owned())
    }

    fn web_url(&mut self, name: &str) -> Option<reqwest::Url> {
        let text = self.text(name)?;
        let url = text.parse::<reqwest::Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if url.is_none() {
            self.errors.push(format!("{name} is no http or https URL"));
        }
        url
    }

    pub fn mail(&mut self, public_url: &str) -> MailSettings {
        let host = public_url.parse::<reqwest::Url>().ok().and_then(|url| url.domain().map(ToOwned::to_owned));
        let host = host.unwrap_or_else(|| "localhost".into());
        let from = self.text("PLAZA_MAIL_FROM").unwrap_or_else(|| format!("Plaza <no-reply@{host}>"));
        let from = from.parse::<Mailbox>().unwrap_or_else(|_| {
            self.errors.push(format!("PLAZA_MAIL_FROM is {from:?}, but must be like Plaza <no-reply@example.com>"));
            Mailbox::new(None, lettre::Address::new_dangerous("no-reply", "localhost"))
        });
        MailSettings { smtp_url: self.smtp_url("SMTP_URL"), from, sms_webhook_url: self.web_url("SMS_WEBHOOK_URL") }
    }

    fn smtp_url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        if AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).is_err() {
            // Without the text: it has a password in it.
            self.errors.push(format!("{name} is no address of a mail server such as smtps://user:password@host"));
        } else if url.starts_with("smtp://") && url.contains('@') && !url.contains("tls=required") {
            self.errors.push(format!("{name} would send its password in the clear: use smtps:// or add ?tls=required"));
        }
        Some(url)
    }

    pub fn secret(&mut self, name: &str) -> Option<String> {
        let secret = self.text(name)?;
        if secret.len() < 32 {
            self.errors.push(format!("{name} is too short: {} bytes, at least 32 are needed", secret.len()));
        }
        Some(secret)
    }

    pub fn postgres_url(&mut self, name: &str) -> Option<String> {
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
