//! What may be found in the data folder, or in its name, when Plaza starts with its own PostgreSQL.

use std::fs;

use serde_json::json;

use crate::harness::process::{Process, free_port};
use crate::harness::{cluster, post};

async fn register(plaza: &Process, name: &str) {
    let document = format!(
        "mutation {{ register(input: {{ username: \"{name}\", password: \"correct horse battery\" }}) {{ userErrors {{ code }} }} }}"
    );
    let answer = post(plaza.address, None, &document, json!({})).await;
    assert_eq!(answer.data()["register"]["userErrors"], json!([]), "{name}");
}

/// R46: names that mean something to a shell, to PostgreSQL's lists or to connection strings.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_have_any_name() {
    let folder = cluster().folder("odd, 'na\"me' $HOME `x` \\ 数据");
    for name in ["ada", "bo"] {
        let plaza = Process::on_folder(&folder, free_port()).await;
        register(&plaza, name).await;
        assert_eq!(plaza.terminate().await.0, Some(0));
    }
}

/// A server of another cluster: the tests' own.
fn other_server() -> u32 {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut servers = processes
        .filter(|process| fs::read_to_string(process.path().join("comm")).is_ok_and(|name| name.trim() == "postgres"));
    servers.next().expect("the tests' cluster runs").file_name().to_str().unwrap().parse().unwrap()
}

/// R45: the number in the file of a server that is gone has become another process's.
#[tokio::test(flavor = "multi_thread")]
async fn a_pid_file_that_names_another_process_stops_nobody() {
    let folder = cluster().folder("pids");
    let plaza = Process::on_folder(&folder, free_port()).await;
    register(&plaza, "ada").await;
    assert_eq!(plaza.terminate().await.0, Some(0));
    let data = folder.join("postgres/data");
    let mut sleep = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let mut zombie = std::process::Command::new("true").spawn().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tell.send(nix::unistd::gettid().as_raw().unsigned_abs()).unwrap();
        let _ = ended.recv();
    });
    let cases = [sleep.id(), zombie.id(), told.recv().unwrap(), other_server(), 4_000_000];
    for (n, pid) in cases.into_iter().enumerate() {
        fs::write(data.join("postmaster.pid"), format!("{pid}\n{}\n1700000000\n5432\n/tmp\n\n  1 1\n", data.display()))
            .unwrap();
        let plaza = Process::on_folder(&folder, free_port()).await;
        register(&plaza, &format!("user{n}")).await;
        assert_eq!(plaza.terminate().await.0, Some(0));
    }
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    zombie.wait().unwrap();
    drop(end);
    thread.join().unwrap();
}
