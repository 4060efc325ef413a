use buttress_chaos::{Answer, BodyFault, Fault, Injector, Latency, Plan, PlannedFault};

use crate::support::{SECOND, call, greeter, injector, quiet};

fn plan() -> Plan {
    Plan::new(1)
        .fault(PlannedFault::new(
            "slow",
            Fault::Delay(Latency::Fixed(SECOND)),
        ))
        .fault(PlannedFault::new(
            "cut",
            Fault::Body(BodyFault::Truncate { after: 3 }),
        ))
}

#[tokio::test(start_paused = true)]
async fn the_fault_header_is_written_if_configured() {
    let injector = Injector::new("test", quiet().fault_header(true));
    let service = greeter(&injector);
    injector.arm(plan()).unwrap();
    let response = call(&service).await.unwrap();
    assert_eq!(response.headers()["x-buttress-fault"], "slow, cut");
    injector.disarm();
    let down = PlannedFault::new("down", Fault::Answer(Answer::Status(500)));
    injector.arm(Plan::new(1).fault(down)).unwrap();
    let response = call(&service).await.unwrap();
    assert_eq!(response.headers()["x-buttress-fault"], "down");
}

#[tokio::test(start_paused = true)]
async fn the_fault_header_is_absent_by_default() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(plan()).unwrap();
    let response = call(&service).await.unwrap();
    assert!(!response.headers().contains_key("x-buttress-fault"));
}
