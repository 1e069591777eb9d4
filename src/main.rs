//! Plaza's commands.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};
use plaza::app::App;
use plaza::auth::Requester;
use plaza::config::Config;
use plaza::domains::accounts::model::Role;
use plaza::domains::accounts::service as accounts;
use plaza::error::{AppError, AppResult};
use plaza::files::subprocess;
use plaza::scope::Scope;
use plaza::seed::large::SeedCounts;
use plaza::{audit, run, schema, seed, telemetry};
use tokio::runtime::Builder;

/// With the feature `no_thp`: huge pages of which a thread uses a little would stay resident.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One GraphQL API with live subscriptions for a community.
///
/// Without `DATABASE_URL`, Plaza runs its own PostgreSQL in its data folder. All settings come from the environment; the
/// README lists them.
#[derive(Parser)]
#[command(name = "plaza", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Migrate the database and serve until SIGTERM (default)
    Serve {
        /// Add demo data if the database is empty
        #[arg(long)]
        demo: bool,
    },
    /// Migrate the database and exit
    Migrate,
    /// Print the GraphQL schema (SDL)
    Schema,
    /// Add demo data to an empty database; with counts, add bulk data to any database
    Seed(SeedArguments),
    /// Check ledger, stock and state consistency; exit 1 on findings
    Audit,
    /// Set the role of a user
    Promote {
        /// Username
        username: String,
        /// New role
        #[arg(ignore_case = true)]
        role: RoleArgument,
    },
    /// Decode a picture from stdin (used by the server)
    #[command(hide = true)]
    Picture {
        /// Memory for decoding, in bytes
        memory: u64,
        /// Folder of temporary files
        folder: PathBuf,
    },
    /// Print an access token of a user, valid for about 15 minutes
    Token {
        /// Username
        username: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "UPPER")]
enum RoleArgument {
    User,
    Support,
    Admin,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::User => Self::User,
            RoleArgument::Support => Self::Support,
            RoleArgument::Admin => Self::Admin,
        }
    }
}

/// Number of rows of bulk data.
#[derive(clap::Args)]
struct SeedArguments {
    /// Users
    #[arg(long, value_name = "N")]
    users: Option<i64>,
    /// Items
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    items: i64,
    /// Favorites
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    favorites: i64,
    /// Direct conversations
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    conversations: i64,
    /// Messages in these conversations
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    messages: i64,
    /// Tasks
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    tasks: i64,
    /// Orders, with their products
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    orders: i64,
    /// Support tickets
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    tickets: i64,
    /// Friendships
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    friendships: i64,
    /// Positions of these users
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    positions: i64,
    /// Groups, with their members
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    groups: i64,
}

/// Threads for blocking work (files, pictures, passwords). Few, as idle threads keep allocator caches; long work has
/// its own limits.
const BLOCKING_THREADS: usize = 24;

fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve { demo: false });
    if let Command::Picture { memory, folder } = command {
        return subprocess::run_decoder(memory, folder);
    }
    match Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build() {
        Ok(runtime) => runtime.block_on(start(command)),
        Err(error) => {
            eprintln!("Plaza can't start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(command: Command) -> ExitCode {
    if matches!(command, Command::Schema) {
        println!("{}", schema::sdl());
        return ExitCode::SUCCESS;
    }
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let _log = telemetry::init(config.log_format, &config.log_filter);
    match Box::pin(perform(command, config)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(AppError::Request(_, message)) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("Plaza failed: {}", error.describe());
            ExitCode::FAILURE
        }
    }
}

async fn perform(command: Command, config: Config) -> AppResult<()> {
    if let Command::Serve { demo } = command {
        return run::serve(config, demo).await;
    }
    let database = run::open_database(&config, false).await?;
    let done = match run::build(config, &database.url).await {
        Ok(app) => perform_on(command, &app).await,
        Err(error) => Err(error),
    };
    database.close().await;
    done
}

async fn perform_on(command: Command, app: &Arc<App>) -> AppResult<()> {
    match command {
        // `run::build` has migrated; the others do not reach this point.
        Command::Serve { .. } | Command::Migrate | Command::Schema | Command::Picture { .. } => Ok(()),
        Command::Seed(SeedArguments { users: None, .. }) => seed::demo::add(app).await,
        Command::Seed(SeedArguments {
            users: Some(users),
            items,
            favorites,
            conversations,
            messages,
            tasks,
            orders,
            tickets,
            friendships,
            positions,
            groups,
        }) => {
            let counts = SeedCounts {
                users,
                items,
                favorites,
                conversations,
                messages,
                tasks,
                orders,
                tickets,
                friendships,
                positions,
                groups,
            };
            seed::large::add(app, counts).await
        }
        Command::Audit => {
            let findings = audit::run(app.database.url()).await?;
            for finding in &findings {
                println!("{finding}");
            }
            if findings.is_empty() {
                println!("Everything adds up: {} rules hold.", audit::rules());
                return Ok(());
            }
            Err(AppError::bad_input(format!("{} things do not add up.", findings.len())))
        }
        Command::Promote { username, role } => accounts::promote(app, &username, role.into()).await,
        Command::Token { username } => {
            let scope = Scope::new(Arc::clone(app), Requester::anonymous());
            println!("{}", accounts::sessions::issue_operator_token(&scope, &username).await?.access);
            Ok(())
        }
    }
}
