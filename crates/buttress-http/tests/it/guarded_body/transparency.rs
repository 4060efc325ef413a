//! What a guarded body does not change.

use super::*;

#[test]
fn hints_are_those_of_the_inner_body() {
    let mut body = hello();
    body.knows_its_end = true;
    body.size_hint.set_lower(3);
    body.size_hint.set_upper(9);
    let mut call = Call::new(&Http::default(), response(200, &[], body));
    for _ in 0..3 {
        assert!(!call.body.is_end_stream());
        assert_eq!(call.body.size_hint().lower(), 3);
        assert_eq!(call.body.size_hint().upper(), Some(9));
        let _ = call.poll();
    }
    assert!(call.body.is_end_stream());

    let full = Full::new(bytes::Bytes::from("hello"));
    let guarded: Response<GuardedBody<_, ()>> = Http::default()
        .conclude(Ok(Response::new(full)), &mut Some(()))
        .unwrap();
    assert_eq!(guarded.body().size_hint().exact(), Some(5));
}

#[test]
fn frames_and_errors_pass_unchanged() {
    let map = [("grpc-status", "0"), ("x-checksum", "7")];
    let steps = [Step::Data("hello"), trailers(&map)];
    let mut call = Call::new(
        &Http::default(),
        response(200, &[GRPC], Scripted::new(steps)),
    );
    let Poll::Ready(Some(Ok(data))) = call.poll() else {
        panic!("no data");
    };
    assert_eq!(data.into_data().unwrap(), "hello");
    let Poll::Ready(Some(Ok(end))) = call.poll() else {
        panic!("no trailers");
    };
    assert_eq!(end.into_trailers().unwrap(), header_map(&map));

    let mut call = Call::new(
        &Http::default(),
        response(200, &[], Scripted::new([Step::Error])),
    );
    let Poll::Ready(Some(Err(error))) = call.poll() else {
        panic!("no error");
    };
    assert_eq!(error.to_string(), "scripted");
}

#[test]
fn a_default_body_holds_no_guard() {
    let body = GuardedBody::<Full<bytes::Bytes>, ()>::default();
    assert!(format!("{body:?}").contains("is_settled: true"));
}
