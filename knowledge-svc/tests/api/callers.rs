//! Who may call what.

use std::fmt::Write;

use insta::assert_snapshot;
use proto::insta::knowledge::v1::*;
use service_kit::{CallId, Caller, Scope};
use test_kit::{Identity, told};

use crate::app::TestApp;

/// What each RPC answers to `caller` when it asks for nothing sensible.
async fn answers(app: &TestApp, caller: &Caller) -> String {
    let mut client = app.client();
    let mut answers = String::new();
    macro_rules! call {
        ($($method:ident($request:ident)),*) => {$(
            let request = app.identity.request(caller, $request::default());
            let answer = match client.$method(request).await {
                Ok(_) => "Ok".to_owned(),
                Err(status) => told(&status),
            };
            let answer = answer.split(']').next().unwrap_or_default().to_owned();
            writeln!(answers, "{}: {answer}", stringify!($method)).unwrap();
        )*};
    }
    call!(
        create_document(CreateDocumentRequest),
        get_document(GetDocumentRequest),
        list_documents(ListDocumentsRequest),
        update_document(UpdateDocumentRequest),
        delete_document(DeleteDocumentRequest),
        list_collections(ListCollectionsRequest),
        list_failed_embeddings(ListFailedEmbeddingsRequest),
        retry_failed_embeddings(RetryFailedEmbeddingsRequest),
        search(SearchRequest),
        list_unanswered_questions(ListUnansweredQuestionsRequest),
        dismiss_unanswered_question(DismissUnansweredQuestionRequest),
        erase_user(EraseUserRequest)
    );
    let nothing = futures::stream::iter(Vec::<ImportDocumentsRequest>::new());
    let request = app.identity.request(caller, nothing);
    let answer = told(&client.import_documents(request).await.unwrap_err());
    let answer = answer.split(']').next().unwrap_or_default();
    writeln!(answers, "import_documents: {answer}").unwrap();
    answers
}

#[tokio::test]
async fn only_those_with_the_scope_reach_a_handler() {
    let app = TestApp::start().await;
    assert_snapshot!(answers(&app, &Caller::Anonymous).await, @r"
    create_document: Unauthenticated [TOKEN_MISSING
    get_document: Unauthenticated [TOKEN_MISSING
    list_documents: Unauthenticated [TOKEN_MISSING
    update_document: Unauthenticated [TOKEN_MISSING
    delete_document: Unauthenticated [TOKEN_MISSING
    list_collections: Unauthenticated [TOKEN_MISSING
    list_failed_embeddings: Unauthenticated [TOKEN_MISSING
    retry_failed_embeddings: Unauthenticated [TOKEN_MISSING
    search: Unauthenticated [TOKEN_MISSING
    list_unanswered_questions: Unauthenticated [TOKEN_MISSING
    dismiss_unanswered_question: Unauthenticated [TOKEN_MISSING
    erase_user: Unauthenticated [TOKEN_MISSING
    import_documents: Unauthenticated [TOKEN_MISSING
    ");
    let user = answers(&app, &Identity::user("ada")).await;
    assert_snapshot!(user, @r"
    create_document: PermissionDenied [NOT_ALLOWED
    get_document: PermissionDenied [NOT_ALLOWED
    list_documents: PermissionDenied [NOT_ALLOWED
    update_document: PermissionDenied [NOT_ALLOWED
    delete_document: PermissionDenied [NOT_ALLOWED
    list_collections: PermissionDenied [NOT_ALLOWED
    list_failed_embeddings: PermissionDenied [NOT_ALLOWED
    retry_failed_embeddings: PermissionDenied [NOT_ALLOWED
    search: InvalidArgument [query
    list_unanswered_questions: PermissionDenied [NOT_ALLOWED
    dismiss_unanswered_question: PermissionDenied [NOT_ALLOWED
    erase_user: PermissionDenied [NOT_ALLOWED
    import_documents: PermissionDenied [NOT_ALLOWED
    ");
    assert_eq!(
        user,
        answers(&app, &Identity::delegate("ada", CallId::generate())).await
    );
    assert_snapshot!(answers(&app, &Identity::service(&[Scope::KnowledgeRead])).await, @r"
    create_document: PermissionDenied [NOT_ALLOWED
    get_document: InvalidArgument [document_id
    list_documents: Ok
    update_document: PermissionDenied [NOT_ALLOWED
    delete_document: PermissionDenied [NOT_ALLOWED
    list_collections: Ok
    list_failed_embeddings: Ok
    retry_failed_embeddings: PermissionDenied [NOT_ALLOWED
    search: InvalidArgument [query
    list_unanswered_questions: Ok
    dismiss_unanswered_question: PermissionDenied [NOT_ALLOWED
    erase_user: PermissionDenied [NOT_ALLOWED
    import_documents: PermissionDenied [NOT_ALLOWED
    ");
    assert_snapshot!(answers(&app, &Identity::service(&[Scope::KnowledgeWrite])).await, @r"
    create_document: InvalidArgument [document
    get_document: PermissionDenied [NOT_ALLOWED
    list_documents: PermissionDenied [NOT_ALLOWED
    update_document: InvalidArgument [document
    delete_document: InvalidArgument [document_id
    list_collections: PermissionDenied [NOT_ALLOWED
    list_failed_embeddings: PermissionDenied [NOT_ALLOWED
    retry_failed_embeddings: Ok
    search: PermissionDenied [NOT_ALLOWED
    list_unanswered_questions: PermissionDenied [NOT_ALLOWED
    dismiss_unanswered_question: InvalidArgument [question_id
    erase_user: InvalidArgument [user_id
    import_documents: InvalidArgument [start
    ");
    assert_snapshot!(answers(&app, &Identity::service(&[Scope::ProfileWrite])).await, @r"
    create_document: PermissionDenied [NOT_ALLOWED
    get_document: PermissionDenied [NOT_ALLOWED
    list_documents: PermissionDenied [NOT_ALLOWED
    update_document: PermissionDenied [NOT_ALLOWED
    delete_document: PermissionDenied [NOT_ALLOWED
    list_collections: PermissionDenied [NOT_ALLOWED
    list_failed_embeddings: PermissionDenied [NOT_ALLOWED
    retry_failed_embeddings: PermissionDenied [NOT_ALLOWED
    search: PermissionDenied [NOT_ALLOWED
    list_unanswered_questions: PermissionDenied [NOT_ALLOWED
    dismiss_unanswered_question: PermissionDenied [NOT_ALLOWED
    erase_user: PermissionDenied [NOT_ALLOWED
    import_documents: PermissionDenied [NOT_ALLOWED
    ");
}
