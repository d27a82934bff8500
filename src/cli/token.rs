//! `heyan token --client ID --secret-file F`: prints a bearer token and nothing else, for `$(…)`.
//! The secret comes from a file, never from an argument, which every process of the machine can see.

use super::{
    client::{Hub, HubArgs},
    credentials::secret_of,
    failure::Failure,
};
use heyan_server::process::{Exit, Output};

/// `heyan token`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    hub: HubArgs,
}

/// Prints a token.
pub(crate) async fn run(args: Args, output: Output) -> Exit {
    let lang = args.hub.lang();
    match token(&args.hub, output).await {
        Ok(token) => {
            heyan_server::process::say(token);
            Exit::Done
        }
        Err(failure) => failure.tell(output, lang),
    }
}

async fn token(args: &HubArgs, output: Output) -> Result<String, Failure> {
    let (Some(id), Some(file)) = (&args.client, &args.secret_file) else {
        return Err(Failure::usage("cli.no_token", []));
    };
    let secret = secret_of(file)?;
    Ok(Hub::open_without_token(args, output)?
        .token(id, &secret)
        .await?
        .access_token)
}
