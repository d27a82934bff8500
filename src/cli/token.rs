//! `heyan token --client ID --secret-file F`: prints a bearer token and nothing else, for `$(…)`.
//! The secret comes from a file, never from an argument, which every process of the machine can see.

use super::{
    client::{HubArgs, HubClient},
    credentials::secret_of,
    failure::CommandFailure,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan token`.
#[derive(clap::Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    hub: HubArgs,
}

/// Prints a token.
pub(crate) async fn run(args: TokenArgs, output: OutputAudience) -> ExitStatus {
    let lang = args.hub.lang();
    match token(&args.hub, output).await {
        Ok(token) => {
            heyan_server::process::say(token);
            ExitStatus::Done
        }
        Err(failure) => failure.tell(output, lang),
    }
}

async fn token(args: &HubArgs, output: OutputAudience) -> Result<String, CommandFailure> {
    let (Some(id), Some(file)) = (&args.client, &args.secret_file) else {
        return Err(CommandFailure::usage("cli.no_token", []));
    };
    let secret = secret_of(file)?;
    Ok(HubClient::open_without_token(args, output)?
        .token(id, &secret)
        .await?
        .access_token)
}
