//! A storage that speaks S3, on a socket of its own, which checks signatures: s3s over a folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::cluster;

/// The server, with one bucket.
pub struct Bucket {
    /// Where it listens.
    pub address: SocketAddr,
    /// What lies in the bucket.
    pub folder: PathBuf,
    serving: JoinHandle<()>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bucket {
    /// Starts it.
    pub async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let root = cluster().folder(&format!("s3-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let folder = root.join("plaza-files");
        std::fs::create_dir_all(&folder).expect("the folder is ours");
        let mut service = S3ServiceBuilder::new(FileSystem::new(&root).expect("the folder is there"));
        service.set_auth(SimpleAuth::from_single("tests", "the tests' secret"));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the port is known");
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, folder, serving }
    }

    /// Settings that lead to it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PLAZA_STORAGE_URL", "s3://plaza-files/some/prefix".into()),
            ("PLAZA_STORAGE_ENDPOINT", format!("http://{}", self.address)),
            ("PLAZA_STORAGE_ACCESS_KEY", "tests".into()),
            ("PLAZA_STORAGE_SECRET_KEY", "the tests' secret".into()),
        ]
    }

    /// The objects below a prefix.
    pub fn objects(&self, prefix: &str) -> Vec<PathBuf> {
        super::files::files_below(&[self.folder.join("some/prefix").join(prefix)])
    }
}
