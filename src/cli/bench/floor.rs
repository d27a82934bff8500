//! The bare HTTP floor: actix-web that reads a body and answers a constant of a given size.
//! It must stay as bare as this: a ratio against a floor that does more would flatter the hub.

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::cli::output::say;

/// `heyan bench-floor`.
#[derive(clap::Args)]
pub struct FloorArgs {
    /// Bytes of an answer
    #[arg(long, default_value_t = 400)]
    bytes: usize,
    /// Worker threads; 0: one a core
    #[arg(long, default_value_t = 0)]
    workers: usize,
}

/// Listens on a free loopback port, tells its address, and serves until it is ended.
///
/// # Errors
/// It cannot listen.
pub async fn run(args: FloorArgs) -> anyhow::Result<()> {
    let answer = web::Bytes::from(vec![b'x'; args.bytes]);
    let workers = match args.workers {
        0 => std::thread::available_parallelism()?.get(),
        workers => workers,
    };
    let server = HttpServer::new(move || {
        let answer = answer.clone();
        App::new().default_service(web::to(move |body: web::Bytes| {
            let answer = answer.clone();
            async move {
                std::hint::black_box(&body);
                HttpResponse::Ok().content_type("application/json").body(answer)
            }
        }))
    })
    .workers(workers)
    .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        say(format_args!("http://{address}"));
    }
    server.run().await?;
    Ok(())
}
