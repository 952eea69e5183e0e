//! Where a caller stands in a trace, as the code of tools and jobs is told it.

use farcall::{Job, Value, json, prelude::*};

use crate::{
    harness::Setup,
    offers::{ended, result},
};

const PLACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Say where this stands.
#[tool]
fn ask(ctx: CallContext) -> String {
    let place = ctx.trace();
    place.map_or_else(|| "nowhere".to_owned(), |place| place.to_string())
}

/// A job whose result says where its stage stands.
fn film() -> Job {
    let pipeline = Pipeline::new().stage("filming", |ctx: &JobContext, _: Value| {
        Ok(json!({"place": ctx.trace().map(|place| place.to_string())}))
    });
    let mut job = Job::new("film", "Make a film.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    job
}

#[tokio::test]
async fn the_code_of_a_tool_and_of_a_job_is_told_where_its_caller_stands() {
    let app = App::new("traces").tool::<ask>().add_job(film());
    let server = Setup::new(app).start().await;
    for place in [Some(PLACE), None] {
        let call = |tool: &str| {
            let call = server.tool(tool, json!({}));
            match place {
                Some(place) => call.meta("traceparent", place),
                None => call,
            }
        };
        let said = call("ask").send().await.result();
        assert_eq!(said["content"][0]["text"], place.unwrap_or("nowhere"));
        let started = call("start_film").send().await.structured();
        let id = started["job_id"].as_str().unwrap();
        let status = ended(&server, "film", id).await;
        assert_eq!(status["state"], "succeeded", "{status}");
        let left = result(&server, "film", id).await.structured();
        assert_eq!(left["result"], json!({"place": place}));
    }
}
