//! What may be found in the data folder, or in its name, when Plaza starts with its own PostgreSQL.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;

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

/// Names that mean something to a shell, to PostgreSQL's lists or to connection strings.
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
    cluster().server()
}

/// The number in the file of a server that is gone has become another process's.
#[tokio::test(flavor = "multi_thread")]
async fn a_pid_file_that_names_another_process_stops_no_process() {
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

/// The number in the pid file of the server of a folder.
fn server_of(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("postgres/data/postmaster.pid")).expect("its PostgreSQL runs");
    text.lines().next().unwrap().to_owned()
}

/// The cluster's folder and its data may be links: the server behind them is known for what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_links_is_taken_over() {
    let (folder, disk) = (cluster().folder("linked"), cluster().folder("disk"));
    for path in [&folder, &disk] {
        fs::create_dir_all(path).unwrap();
    }
    fs::create_dir(disk.join("home")).unwrap();
    symlink(disk.join("home"), folder.join("postgres")).unwrap();
    let plaza = Process::on_folder(&folder, free_port()).await;
    register(&plaza, "ada").await;
    assert_eq!(plaza.terminate().await.0, Some(0));
    fs::rename(disk.join("home/data"), disk.join("data")).unwrap();
    symlink(disk.join("data"), disk.join("home/data")).unwrap();
    let plaza = Process::on_folder(&folder, free_port()).await;
    register(&plaza, "bo").await;
    let before = server_of(&folder);
    plaza.kill().await;
    let plaza = Process::on_folder(&folder, free_port()).await;
    register(&plaza, "lan").await;
    assert_eq!(server_of(&folder), before);
    assert_eq!(plaza.terminate().await.0, Some(0));
}

/// Where the system does not tell whose server has the number, the file and what to do are named.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_be_another_cluster_s_is_named() {
    // Others than root see where their own servers work.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let folder = cluster().folder("untold");
    let plaza = Process::as_nobody(&folder).await;
    register(&plaza, "ada").await;
    assert_eq!(plaza.terminate().await.0, Some(0));
    let file = folder.join("data/postgres/data/postmaster.pid");
    fs::write(&file, format!("{}\n", other_server())).unwrap();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let mut command = std::process::Command::new(folder.join("plaza"));
    command.env_clear().env("PLAZA_DATA_DIR", folder.join("data")).env("PLAZA_BIND", "127.0.0.1:0");
    let output = command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).current_dir(&folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let remedy = format!("if the process that {} names is another cluster's, remove that file", file.display());
    assert!(output.status.code() == Some(1) && text.contains(&remedy), "{text}");
    assert!(file.exists());
}

/// A full disk is named, whether the cluster is to be made on it or lies there already.
#[test]
fn a_full_disk_is_named() {
    // A disk of the first argument's size that this process alone sees; the second argument fills it after a first run.
    const SCRIPT: &str = r#"
        mount -t tmpfs -o "size=$1,mode=755" tmpfs "$PLAZA_DATA_DIR" || exit 99
        if [ -n "$2" ]; then
            "$PLAZA" serve >"$PLAZA_DATA_DIR/first" 2>&1 & first=$!
            for _ in $(seq 300); do grep -q 'Plaza is ready' "$PLAZA_DATA_DIR/first" && break; sleep 0.1; done
            kill $first; wait $first
            dd if=/dev/zero of="$PLAZA_DATA_DIR/rest" bs=64k 2>/dev/null
        fi
        exec timeout 60 "$PLAZA" serve 2>&1
    "#;
    let folder = cluster().folder("full");
    fs::create_dir_all(&folder).unwrap();
    for (size, fill, expected) in [
        ("8m", "", "Plaza failed: initdb failed, for the disk is full: "),
        ("96m", "fill", "Plaza failed: PostgreSQL did not start: the disk of "),
    ] {
        let mut unshare = std::process::Command::new("unshare");
        // Without root, a user's own namespace may mount too.
        unshare.args(
            if nix::unistd::geteuid().is_root() { "-m" } else { "-Um --map-current-user --keep-caps" }.split(' '),
        );
        unshare.args(["sh", "-c", SCRIPT, "sh", size, fill]);
        unshare.env("PLAZA", env!("CARGO_BIN_EXE_plaza")).env("PLAZA_DATA_DIR", &folder);
        unshare.env("PLAZA_BIND", "127.0.0.1:0");
        let output = unshare.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_ne!(
            output.status.code(),
            Some(99),
            "a disk could not be mounted: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(1), "{size}: {text}");
        assert!(text.contains(expected), "{size}: {text}");
    }
}
