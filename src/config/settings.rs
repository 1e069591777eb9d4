//! The table of settings, as the README shows it.

/// A setting's name, its default as the README shows it, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Name of the environment variable.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// One sentence for the operator.
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
    "PLAZA_PUBLIC_URL", "http:// and PLAZA_BIND", "where people reach Plaza, for the links in mail, such as https://plaza.example.com";
    "PLAZA_JWT_SECRET", "generated when embedded", "signs access tokens, at least 32 bytes; required with DATABASE_URL";
    "PLAZA_JWT_SECRET_PREVIOUS", "none", "still accepted while the secret is being rotated";
    "PLAZA_ALLOWED_ORIGINS", "none", "origins of other sites whose pages may ask and open sockets, separated by commas";
    "PLAZA_TRUSTED_PROXY_HEADER", "none", "header in which your proxy puts the client's address, such as X-Forwarded-For";
    "PLAZA_TRUSTED_DOCUMENTS", "none", "manifest file, JSON of documentId and document; with it, nothing else runs";
    "PLAZA_STORAGE_URL", "media in PLAZA_DATA_DIR", "where uploaded files lie: a folder such as file:///srv/media, which all instances share, or s3://bucket/prefix";
    "PLAZA_STORAGE_ENDPOINT", "Amazon's of the region", "address of another storage that speaks S3, such as https://s3.cn-east-1.qiniucs.com";
    "PLAZA_STORAGE_REGION", "us-east-1", "region of the bucket";
    "PLAZA_STORAGE_ACCESS_KEY", "none", "name of the key for the bucket; required with s3://";
    "PLAZA_STORAGE_SECRET_KEY", "none", "the key for the bucket; required with s3://";
    "PLAZA_UPLOAD_QUOTA_MB", "500", "MiB of files that a user may keep, 1 to 1048576";
    "SMTP_URL", "none", "mail server, such as smtps://user:password@host or smtp://host:587?tls=required; without it mail goes to outbox.jsonl";
    "PLAZA_MAIL_FROM", "no-reply at the public host", "sender of mail, such as Plaza <no-reply@example.com>";
    "SMS_WEBHOOK_URL", "none", "takes each SMS as a POST of JSON (kind, to, subject, body, code, at); without it SMS go to outbox.jsonl";
    "PLAZA_REQUIRE_CAPTCHA", "false", "true asks for an image captcha for signing in with a password, registering, and asking for a code";
    "PLAZA_RECHARGE", "sandbox", "sandbox lets everybody add play money to their balance; off, as with PLAZA_PRODUCTION, leaves that to administrators";
    "PLAZA_TASK_REVIEW_SECONDS", "604800", "how long a publisher has to finish or dispute a submitted task before it is finished by itself, 1 to 31536000; the default is seven days";
    "PLAZA_EVENT_RETENTION_DAYS", "30", "how long clients can resume from an event cursor, 1 to 365";
    "PLAZA_EVENT_LAG_SECONDS", "30", "how long an event may wait before /readyz says 503, 1 to 3600 seconds";
    "PLAZA_LIMIT_DB_CONNECTIONS", "8", "connections to the database, a quarter of them shared by short reads, 2 to 200";
    "PLAZA_LIMIT_MUTATIONS", "256", "mutations running at once, 1 to 100000; more are refused as overloaded";
    "PLAZA_LIMIT_REQUESTS", "1024", "HTTP requests being answered at once, 1 to 100000; more are refused as overloaded";
    "PLAZA_LIMIT_CONNECTIONS", "30000", "open connections, 1 to 1000000; more wait for one to close";
    "PLAZA_LIMIT_SOCKETS", "20000", "open sockets and event streams, 1 to 1000000; more are refused as overloaded";
    "PLAZA_LIMIT_CONNECTIONS_PER_ADDRESS", "a quarter of PLAZA_LIMIT_CONNECTIONS", "open connections from one address, 1 to 1000000; more are closed at once, spared as below";
    "PLAZA_LIMIT_SOCKETS_PER_ADDRESS", "a quarter of PLAZA_LIMIT_SOCKETS", "open sockets and event streams from one address, 1 to 1000000; spared as below";
    "PLAZA_LIMIT_UPLOADS_PER_ADDRESS", "a quarter of PLAZA_LIMIT_UPLOADS", "uploads at once from one address, 1 to 1000000; spared as below";
    "PLAZA_LIMIT_OPERATIONS", "50", "operations running at once on a socket, 1 to 1000";
    "PLAZA_LIMIT_REQUESTS_PER_SECOND", "200", "requests from one address, five times as many in a burst; this machine's own are spared unless set";
    "PLAZA_LIMIT_LOGINS", "10", "wrong passwords for one account from one address in 15 minutes, ten times as many from all; spared as above";
    "PLAZA_LIMIT_REGISTRATIONS", "30", "accounts made from one address in an hour; spared as above";
    "PLAZA_LIMIT_CODES", "10", "one-time codes a day to one contact, one a minute; a third as many to it from one address, and a hundred times as many from one address in all; local addresses are spared as above";
    "PLAZA_LIMIT_SMS", "1000", "SMS with codes in an hour in all; a tenth as many from one address, spared as above";
    "PLAZA_LIMIT_CAPTCHAS", "60", "image captchas made for one address in 10 minutes; spared as above";
    "PLAZA_LIMIT_USER_FILES", "600", "files that a user may upload in an hour; spared as above";
    "PLAZA_LIMIT_CREATIONS", "60", "items, tasks, tickets, groups and merchants that a user may create in an hour, of each; spared as above";
    "PLAZA_LIMIT_TAKINGS", "50", "items that a user may take, and tasks that they may accept, in a day, of each; spared as above";
    "PLAZA_LIMIT_NEW_CONVERSATIONS", "50", "direct conversations that a user may start in a day; spared as above";
    "PLAZA_LIMIT_FRIEND_REQUESTS", "50", "friend requests, and requests to join groups, that a user may send in a day, of each; spared as above";
    "PLAZA_LIMIT_NEAR_CELLS", "30", "cells of some 500 m from which a user may ask in an hour what is near; spared as above";
    "PLAZA_LIMIT_UNANSWERED_MESSAGES", "20", "messages that a user may send to a person who has not answered; spared as above";
    "PLAZA_LIMIT_ACCEPTED_TASKS", "20", "accepted tasks of a user that are not over, 1 to 1000000";
    "PLAZA_LIMIT_BODY_KB", "64", "KiB of a JSON body or a socket's message, 1 to 1024";
    "PLAZA_LIMIT_FILE_KB", "1024", "KiB of one file of a multipart request, 1 to 65536";
    "PLAZA_LIMIT_UPLOAD_KB", "10240", "KiB of a multipart request, 1 to 262144";
    "PLAZA_LIMIT_FILES", "10", "files of a multipart request, and places they stand in, 1 to 100";
    "PLAZA_LIMIT_UPLOADS", "64", "uploads at once, from their first bytes to their answer, 1 to 1000";
    "PLAZA_LIMIT_DOCUMENT_BYTES", "16384", "bytes of a document, 64 to 1048576";
    "PLAZA_LIMIT_TOKENS", "2000", "tokens of a document, 10 to 100000";
    "PLAZA_LIMIT_NESTING", "64", "brackets or selections inside each other, fragments written out, 8 to 128";
    "PLAZA_LIMIT_DEPTH", "16", "fields inside each other, 1 to 100";
    "PLAZA_LIMIT_ROOT_FIELDS", "20", "fields at the root of an operation, 1 to 1000";
    "PLAZA_LIMIT_FIELDS", "400", "fields of a document, fragments written out, 10 to 10000";
    "PLAZA_LIMIT_ALIASES", "50", "aliases of a document, 0 to 1000";
    "PLAZA_LIMIT_DIRECTIVES", "50", "directives of a document, 0 to 1000";
    "PLAZA_LIMIT_FRAGMENTS", "50", "fragments of a document, 0 to 1000";
    "PLAZA_LIMIT_COST", "20000", "values that an answer may hold, fields times the sizes of their pages, 100 to 10000000";
    "PLAZA_LIMIT_DOCUMENT_CACHE_MB", "32", "MiB of documents and their normal forms kept in memory, 1 to 4096";
    "PLAZA_LOG", "text,info", "text or json, and a level or filter such as debug or plaza=debug";
    "PLAZA_METRICS_TOKEN", "none", "at least 32 bytes that Prometheus sends as a bearer token to read /metrics; without it programs of this machine alone may, and none behind a proxy (PLAZA_TRUSTED_PROXY_HEADER or a public PLAZA_PUBLIC_URL)";
    "PLAZA_PRODUCTION", "false", "true turns off introspection, GraphiQL and suggestions in errors";
}
