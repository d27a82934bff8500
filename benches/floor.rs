//! The bare HTTP floor: actix-web that reads a JSON body and answers a constant of a given size.
//! It must stay as bare as this: a ratio against a floor that does more would flatter the hub.

#![allow(clippy::print_stdout, reason = "the address is what the caller waits for")]

use actix_web::{App, HttpResponse, HttpServer, web};

/// Listens on a free loopback port and prints its address: `floor --bytes N --workers N`.
#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        let value = arguments
            .iter()
            .position(|a| a == name)
            .and_then(|at| arguments.get(at + 1));
        value.and_then(|v| v.parse().ok()).unwrap_or(default)
    };
    let answer = web::Bytes::from(vec![b'x'; number("--bytes", 400)]);
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
    .workers(number("--workers", 2))
    .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        println!("http://{address}");
    }
    server.run().await
}
