//! What the model crate itself costs: a streamed turn over a loopback socket,
//! and decoding a long event stream.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kode_base::Interrupt;
use kode_model::sse::Decoder;
use kode_model::{Message, ProviderChoice, ProviderKind, Request, connect};
use kode_testkit::wire::{WireServer, answer};

const CHUNKS: usize = 200;

fn chunks() -> Vec<String> {
    let piece = r#"{"choices":[{"index":0,"delta":{"content":"some words "}}]}"#.to_owned();
    let mut chunks = vec![piece; CHUNKS];
    chunks.push(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned());
    chunks.push("[DONE]".to_owned());
    chunks
}

fn turn(criterion: &mut Criterion) {
    // In one write, so that the client is measured and not the server.
    let body: String = chunks().iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let whole = vec![answer::stream_head(), answer::send(body)];
    let route = ("/v1/chat/completions".to_owned(), whole);
    let server = WireServer::start_with_routes(Vec::new(), vec![route]).unwrap();
    let choice = ProviderChoice {
        kind: ProviderKind::OpenAi,
        base_url: Some(format!("{}/v1", server.origin())),
        model: "m".to_owned(),
        api_key: None,
    };
    let mut provider = connect(choice).unwrap();
    let messages = [Message::User { text: "hi".to_owned() }];
    let request = Request { messages: &messages, tools: &[] };
    criterion.bench_function("one turn of 200 chunks", |bencher| {
        bencher.iter(|| provider.respond(&request, &Interrupt::new(), &mut |_| {}).unwrap());
    });
}

fn decode(criterion: &mut Criterion) {
    let stream: String = chunks().iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let mut group = criterion.benchmark_group("sse");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("decode in pieces of 97 bytes", |bencher| {
        bencher.iter(|| {
            let mut decoder = Decoder::new();
            let pieces = stream.as_bytes().chunks(97);
            pieces.map(|piece| decoder.push(piece).unwrap().len()).sum::<usize>()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(2));
    targets = turn, decode
}
criterion_main!(benches);
