# Shorthands; each is one command that CONTRIBUTING.md explains. `just` alone lists them. Install: pip install rust-just.

drills := "CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} PYTHONDONTWRITEBYTECODE=1 python3 tests/drills"

# List the recipes.
default:
    @"{{ just_executable() }}" --list --unsorted

# Type-check one crate, by the name of its folder below src: `just check http`.
check crate="heyan":
    cargo check -p {{ if crate == "heyan" { "heyan" } else { "heyan-" + crate } }}

# Run the unit tests of one crate: `just test domain compare`.
test crate *filter:
    cargo test -p heyan-{{ crate }} --lib {{ filter }}

# Run the integration tests whose name contains a text: `just it a_mismatch_closes`.
it filter:
    cargo test --test it -- {{ filter }}

# Hold the repository to its own rules: layers, sizes, headers, words.
tidy:
    cargo test --test tidy

# Format, then lint everything as tests/run does.
lint:
    cargo fmt
    cargo clippy --locked --all-targets -- -D warnings

# Write schemas/openapi.json anew after a change of the API.
openapi:
    HEYAN_BLESS=1 cargo test -p heyan-http --lib the_committed_document

# Run one drill against the release build: `just drill loop`.
drill name *options:
    cargo build --locked --release --bin heyan
    {{ drills }}/{{ name }}.py {{ options }}

# Run one fuzz target for some seconds (needs the nightly toolchain and cargo-fuzz): `just fuzz comparators 60`.
fuzz target seconds="60":
    mkdir -p tests/fuzz/corpus/{{ target }}
    cargo +nightly fuzz run --fuzz-dir tests/fuzz {{ target }} tests/fuzz/corpus/{{ target }} tests/fuzz/seeds/{{ target }} -- -max_total_time={{ seconds }} -max_len=8192

# Start a hub on a synthetic city.
demo *options:
    cargo run --release -- demo {{ options }}

# Run everything that CI runs, or some sections of it: `just all --only fmt,clippy`.
all *options:
    tests/run {{ options }}
