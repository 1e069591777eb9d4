//! A bucket of an S3-compatible storage, such as Amazon's or Qiniu's.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use reqwest::Url;
use rusty_s3::actions::{PutObject, S3Action};
use rusty_s3::{Bucket, Credentials, UrlStyle};

use crate::error::{AppError, AppResult};

/// Timeout of one request, and of all its retries.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_TIMEOUT: Duration = Duration::from_secs(8);

/// Connection settings of a bucket.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// Its name.
    pub bucket: String,
    /// Prefix of all keys; may be empty.
    pub prefix: String,
    /// The storage's address.
    pub endpoint: Url,
    /// Its region.
    pub region: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
}

/// Presigns URLs for uploads by clients.
pub struct UrlSigner {
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
}

pub fn open(settings: &S3Settings) -> AppResult<(Arc<dyn ObjectStore>, UrlSigner)> {
    // Fails only if one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(Duration::from_secs(5));
    let retry = RetryConfig { max_retries: 3, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let store = AmazonS3Builder::new()
        .with_bucket_name(&settings.bucket)
        .with_endpoint(settings.endpoint.as_str().trim_end_matches('/'))
        .with_allow_http(settings.endpoint.scheme() == "http")
        .with_region(&settings.region)
        .with_access_key_id(&settings.access_key)
        .with_secret_access_key(&settings.secret_key)
        .with_client_options(client.with_allow_http(settings.endpoint.scheme() == "http"))
        .with_retry(retry)
        .build()
        .map_err(AppError::internal)?;
    let bucket =
        Bucket::new(settings.endpoint.clone(), UrlStyle::Path, settings.bucket.clone(), settings.region.clone());
    let signer = UrlSigner {
        bucket: bucket.map_err(AppError::internal)?,
        credentials: Credentials::new(&settings.access_key, &settings.secret_key),
        prefix: settings.prefix.clone(),
    };
    Ok((Arc::new(PrefixStore::new(store, settings.prefix.as_str())), signer))
}

impl UrlSigner {
    /// Signs type and size as well, so that the storage accepts nothing else.
    pub fn presign(&self, key: &str, content_type: &str, size: u64, lifetime: Duration) -> String {
        let key = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        let size = size.to_string();
        let mut put = PutObject::new(&self.bucket, Some(&self.credentials), &key);
        put.headers_mut().insert("content-length", size);
        put.headers_mut().insert("content-type", content_type);
        put.sign(lifetime).into()
    }
}
