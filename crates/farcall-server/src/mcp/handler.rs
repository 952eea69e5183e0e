//! What the SDK calls for every request of the protocol.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use farcall_core::{
    context::{CallContext, LogLevel},
    principal::Principal,
    updates::Update,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
        CompleteResult, CustomRequest, CustomResult, GetPromptRequestParams, GetPromptResponse,
        GetTaskParams, GetTaskResult, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool,
        UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::DropGuard;

use super::{
    Server,
    call::{self, Reader},
    client::{Era, PeerClient},
    current::Current,
    headers::{MCP_SESSION_ID, take_trace},
    listen::{self, Subscribed},
    logging,
    rounds::Binding,
    tasks, unserved,
};
use crate::edge::{ClientAddress, X_REQUEST_ID};

/// One connection: a session, a stream of standard input, or a single request.
pub(crate) struct Connection {
    current: Arc<Current>,
    /// Who calls where no HTTP layer says so.
    local: Option<Principal>,
    log_level: Mutex<LogLevel>,
    subscribed: Subscribed,
    /// Ends the task that tells the client of a session its news.
    telling: OnceLock<DropGuard>,
    /// News for subscriptions that were accepted and are not listened to yet.
    begun: Mutex<Vec<Receiver<Update>>>,
}

pub(super) type Request = RequestContext<RoleServer>;

tokio::task_local! {
    /// Who calls, where not every tool exists for them: the SDK asks for a tool without saying for whom.
    pub(super) static RESTRICTED: Principal;
}

impl Connection {
    pub(crate) fn new(current: Arc<Current>) -> Self {
        Self {
            current,
            local: None,
            log_level: Mutex::new(LogLevel::Info),
            subscribed: Subscribed::default(),
            telling: OnceLock::new(),
            begun: Mutex::default(),
        }
    }

    pub(crate) fn local(current: Arc<Current>, caller: Principal) -> Self {
        Self {
            local: Some(caller),
            ..Self::new(current)
        }
    }

    /// What is offered at this moment; a request asks once what it looks up.
    pub(super) fn server(&self) -> Arc<Server> {
        self.current.get()
    }

    pub(super) fn caller(&self, request: &Request) -> Result<Principal, ErrorData> {
        let recognised = request
            .extensions
            .get::<http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Principal>());
        // Without the gate's word there is no caller: better no answer than one for nobody.
        recognised
            .or(self.local.as_ref())
            .cloned()
            .ok_or_else(|| ErrorData::internal_error("the caller is not known", None))
    }

    /// What is offered besides tools, as it exists for whoever sent this request.
    fn of_what_is_no_tool<T: Clone>(
        &self,
        request: &Request,
        offered: &[T],
    ) -> Result<Vec<T>, ErrorData> {
        let is_there = self.caller(request)?.is_unrestricted();
        Ok(if is_there {
            offered.to_vec()
        } else {
            Vec::new()
        })
    }

    /// The context of a request that may ask its client, and what binds its rounds together.
    pub(super) fn context(
        &self,
        request: &Request,
        era: Era,
        (method, name, arguments): (&str, &str, &Value),
        (state, responses): (Option<String>, Option<rmcp::model::InputResponses>),
    ) -> Result<(CallContext, Binding), ErrorData> {
        let caller = self.caller(request)?;
        let level = *self
            .log_level
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let server = self.server();
        let client = PeerClient::new(request, era, level, server.stopping.clone());
        // A client that cannot be asked has no second round, and most calls are of this kind.
        let has_rounds = state.is_some() || (era == Era::Rounds && client.can_be_asked_anything());
        let binding = if has_rounds {
            Binding::new(&caller, method, name, arguments)
        } else {
            Binding::none()
        };
        let recollection = server.rounds.open(state.as_deref(), responses, &binding)?;
        let mut meta = request.meta.0.0.clone();
        let parts = request.extensions.get::<http::request::Parts>();
        // Standard input has none.
        let nothing = http::HeaderMap::new();
        take_trace(parts.map_or(&nothing, |parts| &parts.headers), &mut meta);
        let context = CallContext::new(
            caller,
            request_id(request),
            meta,
            request.ct.child_token(),
            Arc::new(client),
            recollection,
        );
        Ok((context, binding))
    }

    /// Calls a tool, or asks for what it needs first.
    async fn call(
        &self,
        params: CallToolRequestParams,
        request: Request,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(params.arguments.unwrap_or_default());
        let subject = ("tools/call", params.name.as_ref(), &arguments);
        let brought = (params.request_state, params.input_responses);
        let era = Era::of(&request);
        let reader = Reader {
            era,
            knows_tasks: tasks::is_known_to(&request, era),
        };
        let (context, binding) = self.context(&request, era, subject, brought)?;
        let (server, name) = (self.server(), &params.name);
        let address = address(&request);
        call::answer(
            &server, name, &context, arguments, reader, &binding, address,
        )
        .await
    }
}

/// Where a request comes from; nowhere on standard input.
pub(super) fn address(request: &Request) -> Option<IpAddr> {
    let parts = request.extensions.get::<http::request::Parts>()?;
    ClientAddress::among(&parts.extensions)
}

/// The id that the request has here.
pub(super) fn request_id(request: &Request) -> String {
    let parts = request.extensions.get::<http::request::Parts>();
    let id = parts.and_then(|parts| parts.headers.get(X_REQUEST_ID));
    let id = id.and_then(|id| id.to_str().ok());
    id.map_or_else(|| request.id.to_string(), str::to_owned)
}

impl ServerHandler for Connection {
    fn get_info(&self) -> ServerConfig {
        self.server().presented.info.clone()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        request: Request,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = self.caller(&request)?;
        let server = self.server();
        let tools = server.presented.tools.iter();
        let tools = tools.filter(|tool| caller.may_call(&tool.name));
        Ok(ListToolsResult::with_all_items(tools.cloned().collect()))
    }

    // The SDK asks for nothing but the parameters that travel as headers, too.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let is_hidden = RESTRICTED.try_with(|caller| !caller.may_call(name));
        if is_hidden.unwrap_or(false) {
            return None;
        }
        self.server().presented.tool_with_headers(name).cloned()
    }

    // The SDK moves the future of a request several times, and it is as large as the largest of
    // these: what they are made of is boxed.
    fn call_tool(
        &self,
        params: CallToolRequestParams,
        request: Request,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send {
        Box::pin(self.call(params, request))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        request: Request,
    ) -> Result<ListPromptsResult, ErrorData> {
        let offered = &self.server().presented.prompts;
        Ok(ListPromptsResult::with_all_items(
            self.of_what_is_no_tool(&request, offered)?,
        ))
    }

    fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        request: Request,
    ) -> impl Future<Output = Result<GetPromptResponse, ErrorData>> + Send {
        Box::pin(self.write_prompt(params, request))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        request: Request,
    ) -> Result<ListResourcesResult, ErrorData> {
        let offered = &self.server().presented.resources;
        Ok(ListResourcesResult::with_all_items(
            self.of_what_is_no_tool(&request, offered)?,
        ))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        request: Request,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let offered = &self.server().presented.templates;
        Ok(ListResourceTemplatesResult::with_all_items(
            self.of_what_is_no_tool(&request, offered)?,
        ))
    }

    fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        request: Request,
    ) -> impl Future<Output = Result<ReadResourceResponse, ErrorData>> + Send {
        Box::pin(self.read(params, request))
    }

    fn complete(
        &self,
        params: CompleteRequestParams,
        request: Request,
    ) -> impl Future<Output = Result<CompleteResult, ErrorData>> + Send {
        Box::pin(self.suggest(params, request))
    }

    fn get_task(
        &self,
        params: GetTaskParams,
        request: Request,
    ) -> impl Future<Output = Result<GetTaskResult, ErrorData>> + Send {
        Box::pin(self.task(params, request))
    }

    fn update_task(
        &self,
        params: UpdateTaskParams,
        request: Request,
    ) -> impl Future<Output = Result<(), ErrorData>> + Send {
        Box::pin(self.answer_task(params, request))
    }

    fn cancel_task(
        &self,
        params: CancelTaskParams,
        request: Request,
    ) -> impl Future<Output = Result<(), ErrorData>> + Send {
        Box::pin(self.end_task(params, request))
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: Request,
    ) -> Result<CustomResult, ErrorData> {
        Err(unserved::unserved(request))
    }

    #[expect(
        deprecated,
        reason = "deprecated in the protocol, and still part of it"
    )]
    async fn set_level(
        &self,
        params: rmcp::model::SetLevelRequestParams,
        _: Request,
    ) -> Result<(), ErrorData> {
        *self
            .log_level
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = logging::chosen(&params);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        if self.local.is_none() {
            // The request is only judged here; `subscriptions` says what is accepted.
            let server = self.server();
            let can_be_told = server.updates.is_some() || server.tasks.is_some();
            return can_be_told.then(|| requested.clone());
        }
        let updates = self.server().updates.clone()?;
        // The SDK confirms before it calls `listen`, and what is sent in between must arrive.
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.push(updates.subscribe());
        Some(requested.clone())
    }

    fn listen(
        &self,
        context: SubscriptionContext,
    ) -> impl Future<Output = Result<(), ErrorData>> + Send {
        let begun = {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.pop()
        };
        Box::pin(async move {
            if let Some(news) = begun {
                listen::listen(&context, news, &self.server().stopping).await;
            }
            Ok(())
        })
    }

    async fn subscribe(
        &self,
        params: SubscribeRequestParams,
        request: Request,
    ) -> Result<(), ErrorData> {
        if Era::of(&request) != Era::Session || self.server().updates.is_none() {
            return Err(ErrorData::invalid_request(
                "this server has no session to send news to; read the resource again instead",
                None,
            ));
        }
        if !self.caller(&request)?.is_unrestricted() {
            // As of a resource that there is not: nothing will ever be heard of it.
            return Ok(());
        }
        if !self.subscribed.add(params.uri) {
            return Err(ErrorData::invalid_request(
                "this session has subscribed to too many resources",
                None,
            ));
        }
        Ok(())
    }

    async fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        _: Request,
    ) -> Result<(), ErrorData> {
        self.subscribed.remove(&params.uri);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let is_session = match context.extensions.get::<http::request::Parts>() {
            Some(parts) => parts.headers.contains_key(MCP_SESSION_ID),
            None => true,
        };
        let server = self.server();
        let Some(updates) = server.updates.clone().filter(|_| is_session) else {
            return;
        };
        let over = server.stopping.child_token();
        if self.telling.set(over.clone().drop_guard()).is_ok() {
            let (subscribed, news) = (self.subscribed.clone(), updates.subscribe());
            tokio::spawn(listen::tell(context.peer, subscribed, news, over));
        }
    }
}
