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
use plaza::files::worker;
use plaza::scope::Scope;
use plaza::seed::large::Amounts;
use plaza::{audit, run, schema, seed, telemetry};
use tokio::runtime::Builder;

/// Without huge pages (its feature `no_thp`): of each a thread holds a little, and all of it stays in memory.
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
    /// Migrates the database and serves until SIGTERM (the default)
    Serve {
        /// Add demo data first, if the database is empty
        #[arg(long)]
        demo: bool,
    },
    /// Brings the database to this version and ends
    Migrate,
    /// Prints the GraphQL schema
    Schema,
    /// Adds demo data to an empty database; with numbers, large data beside what is there
    Seed(SeedArguments),
    /// Looks whether all money, stock and states add up, and ends with 1 if not
    Audit,
    /// Gives somebody a role
    Promote {
        /// Whom
        username: String,
        /// Which role
        #[arg(ignore_case = true)]
        role: RoleArgument,
    },
    /// Decodes the picture at standard input for a server
    #[command(hide = true)]
    Picture {
        /// Bytes that decoding it takes
        memory: u64,
        /// Where temporary files go
        folder: PathBuf,
    },
    /// Prints an access token for somebody, good for about 15 minutes
    Token {
        /// For whom
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

/// How much large data.
#[derive(clap::Args)]
struct SeedArguments {
    /// So many people
    #[arg(long, value_name = "N")]
    users: Option<i64>,
    /// So many items of theirs
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    items: i64,
    /// So many favorites
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    favorites: i64,
    /// So many direct conversations
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    conversations: i64,
    /// So many messages in them
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    messages: i64,
    /// So many tasks
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    tasks: i64,
    /// So many orders, and products for them
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    orders: i64,
    /// So many tickets
    #[arg(long, value_name = "N", default_value_t = 0, requires = "users")]
    tickets: i64,
}

/// Threads for what blocks (files, pictures, passwords): more wait. Each keeps memory of its own for a while, and of what
/// takes long there is a bound elsewhere.
const BLOCKING_THREADS: usize = 24;

fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve { demo: false });
    if let Command::Picture { memory, folder } = command {
        return worker::work(memory, folder);
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
    let opened = run::open_database(&config, false).await?;
    let done = match run::build(config, &opened.url).await {
        Ok(app) => perform_on(command, &app).await,
        Err(error) => Err(error),
    };
    opened.close().await;
    done
}

async fn perform_on(command: Command, app: &Arc<App>) -> AppResult<()> {
    match command {
        // Building the app has migrated; the schema was printed and the picture decoded before.
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
        }) => {
            let amounts = Amounts { users, items, favorites, conversations, messages, tasks, orders, tickets };
            seed::large::add(app, amounts).await
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
