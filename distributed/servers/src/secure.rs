//! One server of each engine that speaks TLS, and asks who somebody is.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use crate::{Cluster, Node, consul, data, etcd, port, postgres, programs, zookeeper};

/// What a server shows, and by what it knows its clients; in PEM. It is in the files `ca.pem`, `server.pem` and
/// `server.key` of the server's data.
#[derive(Clone, Debug)]
pub struct Papers {
    /// Of the CA that has signed all certificates.
    pub ca: String,
    /// The server's certificate.
    pub certificate: String,
    /// The server's key.
    pub key: String,
}

/// The first user's name: with PostgreSQL its owner, and with etcd the one who may make others.
pub const USER: &str = "bakery";
/// The first user's password; with Consul the token that may do all.
pub const PASSWORD: &str = "6d0e4a35-6d2c-4f0c-9a1e-0123456789ab";

/// The paths of the papers.
struct Files {
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// Starts one server. Its address is that of TLS. Clients need a certificate, but for DynamoDB's and for
/// PostgreSQL's databases other than `template1`.
///
/// # Errors
///
/// If its programs cannot be had on this machine, or it does not start.
pub fn start(engine: &str, papers: &Papers) -> Result<Cluster> {
    let start = match engine {
        "consul" => start_consul,
        "dynamodb" => start_dynamodb,
        "etcd" => start_etcd,
        "postgres" => start_postgres,
        "zookeeper" => start_zookeeper,
        _ => bail!("no such engine: {engine}"),
    };
    let programs = programs(engine)?;
    let begin = || {
        let data = data(&format!("secure-{engine}"))?;
        let files = papers.write(&data)?;
        start(&programs, data, &files).and_then(Cluster::ready)
    };
    // A port that was free may have been taken meanwhile.
    begin().or_else(|_| begin()).with_context(|| format!("{engine} did not start with TLS"))
}

impl Papers {
    fn write(&self, data: &Path) -> Result<Files> {
        let write = |name: &str, text: &str| {
            let path = data.join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok::<_, anyhow::Error>(path)
        };
        Ok(Files {
            ca: write("ca.pem", &self.ca)?,
            certificate: write("server.pem", &self.certificate)?,
            key: write("server.key", &self.key)?,
        })
    }
}

fn start_consul(programs: &Path, data: PathBuf, files: &Files) -> Result<Cluster> {
    let [http, https, server, gossip] = [(); 4].map(|()| port::free());
    let (ca, certificate, key) =
        (files.ca.display(), files.certificate.display(), files.key.display());
    let settings = format!(
        r#"{{"node_name": "c1", "server": true, "bootstrap_expect": 1, "data_dir": "{0}",
            "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "advertise_addr": "127.0.0.1",
            "ports": {{"http": {http}, "https": {https}, "dns": -1, "grpc": -1, "server": {server},
                       "serf_lan": {gossip}, "serf_wan": -1}},
            "disable_update_check": true, "disable_host_node_id": true,
            "performance": {{"raft_multiplier": 1}}, "session_ttl_min": "1s", "log_level": "warn",
            "ca_file": "{ca}", "cert_file": "{certificate}", "key_file": "{key}",
            "verify_incoming_https": true,
            "acl": {{"enabled": true, "default_policy": "deny", "tokens": {{"master": "{PASSWORD}"}}}}}}"#,
        data.join("data").display()
    );
    let config = data.join("config.json");
    fs::write(&config, settings)?;
    // What asks plainly.
    fs::write(data.join("plain"), format!("127.0.0.1:{http}"))?;
    let agent = [programs.join("consul").into(), "agent".into(), "-config-file".into()];
    let command = agent.into_iter().chain([config.into()]).collect();
    let nodes = vec![Node::start(command, data, Signal::KILL)?];
    let url = format!("consul+tls://localhost:{https}");
    Ok(Cluster { url, nodes, is_ready: Box::new(move || consul::answers(http, PASSWORD)) })
}

fn start_dynamodb(programs: &Path, data: PathBuf, files: &Files) -> Result<Cluster> {
    let port = port::free();
    let mut command: Vec<OsString> =
        vec!["node".into(), programs.join("cli.js").into(), "--ssl".into()];
    // It takes what is in them.
    for (option, path) in [("ca", &files.ca), ("cert", &files.certificate), ("key", &files.key)] {
        command.push(format!("--{option}={}", fs::read_to_string(path)?).into());
    }
    command.extend(["--host", "127.0.0.1", "--createTableMs", "0"].map(Into::into));
    command.extend(["--port".into(), port.to_string().into()]);
    let nodes = vec![Node::start(command, data, Signal::KILL)?];
    let url = format!("dynamodb+tls://localhost:{port}/bakery?pace=20ms");
    let is_ready = Box::new(move || TcpStream::connect(("127.0.0.1", port)).is_ok());
    Ok(Cluster { url, nodes, is_ready })
}

fn start_etcd(programs: &Path, data: PathBuf, files: &Files) -> Result<Cluster> {
    let [client, peer, health] = [(); 3].map(|()| port::free());
    let mut command = vec![programs.join("etcd").into()];
    command.extend(
        [
            ("name", "e1"),
            ("data-dir", &data.join("data").display().to_string()),
            ("listen-client-urls", &format!("https://127.0.0.1:{client}")),
            ("advertise-client-urls", &format!("https://127.0.0.1:{client}")),
            ("listen-peer-urls", &format!("http://127.0.0.1:{peer}")),
            ("initial-advertise-peer-urls", &format!("http://127.0.0.1:{peer}")),
            ("initial-cluster", &format!("e1=http://127.0.0.1:{peer}")),
            ("listen-metrics-urls", &format!("http://127.0.0.1:{health}")),
            ("trusted-ca-file", &files.ca.display().to_string()),
            ("cert-file", &files.certificate.display().to_string()),
            ("key-file", &files.key.display().to_string()),
            ("client-cert-auth", "true"),
            ("log-level", "warn"),
        ]
        .map(|(option, value)| format!("--{option}={value}").into()),
    );
    let nodes = vec![Node::start(command, data, Signal::KILL)?];
    let url = format!("etcd+tls://localhost:{client}");
    Ok(Cluster { url, nodes, is_ready: Box::new(move || etcd::is_healthy(health)) })
}

fn start_postgres(programs: &Path, data: PathBuf, files: &Files) -> Result<Cluster> {
    let port = port::free();
    let base = data.join("data");
    let password = data.join("password");
    fs::write(&password, PASSWORD)?;
    // Also gives the data to whoever the server is run as.
    let mut made = postgres::as_somebody(programs, "initdb", &data)?;
    if rustix::process::geteuid().is_root() {
        for file in [&files.ca, &files.certificate, &files.key, &password] {
            chown(file, Some(postgres::NOBODY), Some(postgres::NOBODY))?;
        }
    }
    made.extend(["-D".into(), base.clone().into()]);
    made.extend(["-A", "scram-sha-256", "-U", USER, "-E", "UTF8", "--no-sync"].map(Into::into));
    made.extend(["--pwfile".into(), password.into()]);
    let made = Command::new(&made[0]).args(&made[1..]).output().context("initdb does not run")?;
    ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr).trim());
    let rules = "hostssl template1 all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n\
                 host all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(base.join("pg_hba.conf"), rules)?;
    let mut command = postgres::as_somebody(programs, "postgres", &data)?;
    command.extend(["-D".into(), base.into()]);
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", data.display()),
        "ssl=on".to_owned(),
        format!("ssl_ca_file={}", files.ca.display()),
        format!("ssl_cert_file={}", files.certificate.display()),
        format!("ssl_key_file={}", files.key.display()),
    ] {
        command.extend(["-c".into(), setting.into()]);
    }
    let nodes = vec![Node::start(command, data, Signal::QUIT)?];
    let url = format!("postgres://{USER}@localhost:{port}/postgres?sslmode=verify-full");
    Ok(Cluster { url, nodes, is_ready: Box::new(move || postgres::lets_in(port)) })
}

fn start_zookeeper(programs: &Path, data: PathBuf, files: &Files) -> Result<Cluster> {
    let [plain, secure] = [(); 2].map(|()| port::free());
    // The key and the certificate are in one file.
    let both = data.join("both.pem");
    let read = |path: &Path| fs::read_to_string(path);
    fs::write(&both, read(&files.key)? + &read(&files.certificate)?)?;
    let settings = format!(
        "tickTime=500\nminSessionTimeout=1000\nmaxSessionTimeout=1000000\nadmin.enableServer=false\n\
         4lw.commands.whitelist=srvr\nclientPortAddress=127.0.0.1\nclientPort={plain}\n\
         secureClientPortAddress=127.0.0.1\nsecureClientPort={secure}\ndataDir={}\n\
         serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n\
         ssl.keyStore.location={}\nssl.keyStore.type=PEM\n\
         ssl.trustStore.location={}\nssl.trustStore.type=PEM\n",
        data.display(),
        both.display(),
        files.ca.display()
    );
    fs::write(data.join("settings"), settings)?;
    let epoll = "netty-transport-native-epoll netty-transport-native-unix-common slf4j-simple";
    let mut command = zookeeper::java_with(programs, &format!("{} {epoll}", zookeeper::JARS));
    command.push("org.apache.zookeeper.server.quorum.QuorumPeerMain".into());
    command.push(data.join("settings").into());
    let nodes = vec![Node::start(command, data, Signal::KILL)?];
    let url = format!("zookeeper+tls://localhost:{secure}");
    Ok(Cluster { url, nodes, is_ready: Box::new(move || zookeeper::mode(plain).is_ok()) })
}
