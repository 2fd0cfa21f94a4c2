//! A real PostgreSQL for tests: one throw-away server a test process, one database a test.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use db::{
    DatabaseConfig, DatabaseUrl, Pool, migrations,
    roles::{self, Passwords},
};
use diesel_async::SimpleAsyncConnection;
use secrecy::SecretString;
use tokio::sync::OnceCell;
use uuid::Uuid;

const TEMPLATE: &str = "insta_template";
const PASSWORD: &str = "test";
/// PostgreSQL refuses to run as root; this user owns its files then.
const NOBODY: u32 = 65534;
const START_ATTEMPTS: u32 = 600;
const POLL: Duration = Duration::from_millis(20);

/// A migrated database of its own, removed when it is dropped.
pub struct TestDatabase {
    name: String,
    admin: DatabaseUrl,
}

impl TestDatabase {
    /// A fresh copy of the migrated template.
    ///
    /// # Panics
    /// When there is no PostgreSQL to run: the message names the command that gets one.
    pub async fn new() -> Self {
        static TEMPLATE_MADE: OnceCell<()> = OnceCell::const_new();
        let admin = server().clone();
        TEMPLATE_MADE.get_or_init(|| make_template(&admin)).await;

        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut connection = admin.connect().await.expect("the test server answers");
        connection
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
            .await
            .expect("the template can be copied");
        // What a role may do with the database itself does not come with the copy.
        let grant = format!("GRANT CREATE ON DATABASE {name} TO {}", roles::MIGRATOR);
        connection
            .batch_execute(&grant)
            .await
            .expect("the owner may grant");
        Self { name, admin }
    }

    /// The address for one service's role, for example `insta_auth`.
    pub fn url(&self, role: &str) -> DatabaseUrl {
        self.admin.with(&self.name, role, &PASSWORD.into())
    }

    /// The address for the role that owns the tables.
    pub fn url_of_migrator(&self) -> DatabaseUrl {
        self.url(roles::MIGRATOR)
    }

    /// The address for the role that owns the server.
    pub fn admin_url(&self) -> DatabaseUrl {
        self.admin.with_database(&self.name)
    }

    /// Settings for one service's role.
    pub fn config(&self, role: &str) -> DatabaseConfig {
        DatabaseConfig {
            database_url: self.url(role),
            database_max_connections: 4,
        }
    }

    /// A pool for one service's role.
    pub fn pool(&self, role: &str) -> Pool {
        Pool::new(&self.config(role))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), std::mem::take(&mut self.name));
        // A drop may stand inside a runtime that is ending; this one is its own.
        let drop = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut connection = admin.connect().await.map_err(std::io::Error::other)?;
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                connection
                    .batch_execute(&sql)
                    .await
                    .map_err(std::io::Error::other)
            })
        });
        if !matches!(drop.join(), Ok(Ok(()))) {
            eprintln!("a test database was left behind; it goes with the test server");
        }
    }
}

async fn make_template(admin: &DatabaseUrl) {
    let password = || SecretString::from(PASSWORD);
    let passwords = Passwords {
        migrator: password(),
        services: [password(), password(), password(), password()],
    };
    roles::bootstrap(admin, TEMPLATE, &passwords)
        .await
        .expect("roles can be made");
    migrations::run(&admin.with(TEMPLATE, roles::MIGRATOR, &password()))
        .await
        .expect("migrations run");
}

/// The server of this process, started by whichever test comes first.
fn server() -> &'static DatabaseUrl {
    static SERVER: OnceLock<DatabaseUrl> = OnceLock::new();
    SERVER.get_or_init(|| {
        service_kit::install_crypto();
        let install = std::env::var_os("TEST_POSTGRES_DIR").map_or_else(
            || {
                panic!(
                    "TEST_POSTGRES_DIR names no PostgreSQL: run `cargo xtask test`, which gets one"
                )
            },
            PathBuf::from,
        );
        sweep();
        // The server is told to die with the thread that started it, so that thread has to stay.
        let (send, receive) = std::sync::mpsc::channel();
        thread::spawn(move || {
            send.send(start(&install)).expect("the test waits for it");
            loop {
                thread::park();
            }
        });
        receive
            .recv()
            .expect("the starting thread does not end")
            .expect("PostgreSQL starts")
    })
}

fn start(install: &Path) -> std::io::Result<DatabaseUrl> {
    let folder = std::env::temp_dir().join(format!("insta-test-pg-{}", std::process::id()));
    fs::create_dir(&folder)?;
    if as_root() {
        chown(&folder, Some(NOBODY), Some(NOBODY))?;
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    let data = folder.join("data");

    let initdb = command(install, "initdb")
        .arg("-D")
        .arg(&data)
        .args(["-U", "postgres", "-A", "trust", "-N", "--encoding=UTF8"])
        .args([
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ])
        .output()?;
    if !initdb.status.success() {
        return Err(std::io::Error::other(
            String::from_utf8_lossy(&initdb.stderr).into_owned(),
        ));
    }
    let port = free_port()?;
    let log = fs::File::create(folder.join("log"))?;
    let mut server = command(install, "postgres")
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
        .args([
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=300",
        ])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    wait_until_ready(install, port, &mut server)?;
    let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable");
    url.parse().map_err(std::io::Error::other)
}

fn wait_until_ready(
    install: &Path,
    port: u16,
    server: &mut std::process::Child,
) -> std::io::Result<()> {
    for _ in 0..START_ATTEMPTS {
        if let Some(status) = server.try_wait()? {
            return Err(std::io::Error::other(format!(
                "postgres ended with {status}"
            )));
        }
        let ready = Command::new(install.join("bin/pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status()?;
        if ready.success() {
            return Ok(());
        }
        thread::park_timeout(POLL);
    }
    Err(std::io::Error::other("postgres did not get ready"))
}

/// A PostgreSQL program that ends with this process, and that is not root.
fn command(install: &Path, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if as_root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    command
        .args(["--pdeathsig", "INT", "--"])
        .arg(install.join("bin").join(program));
    command.current_dir("/");
    command
}

fn as_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// Removes the folders of test processes that are gone.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name
            .to_str()
            .and_then(|name| name.strip_prefix("insta-test-pg-"))
        else {
            continue;
        };
        if !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
