"""REST operations on collections and documents, with the services and access rules of the pages."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from ninja import File, Form, Router, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate

from apps.api.auth import Bearer, Scope, get_caller
from apps.api.errors import ApiError
from apps.api.schemas import (
    CollectionChange,
    CollectionIn,
    CollectionOut,
    DocumentChange,
    DocumentOut,
    WebPageIn,
)
from apps.documents.library.deletion import delete_document
from apps.documents.library.passage_edits import set_title
from apps.documents.library.sharing import delete_collection
from apps.documents.library.uploads import cancel_ingestion, clean_folder_path, retry_ingestion, store_upload
from apps.documents.library.web_pages import queue_web_page
from apps.documents.models import Collection, Document
from apps.documents.models.collection import has_collection_named
from apps.documents.reader import page_view
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

router = Router()
_READ, _WRITE = Bearer(Scope.READ), Bearer(Scope.WRITE)


@router.get("/collections", auth=_READ, response=list[CollectionOut], tags=["collections"])
@paginate
def list_collections(request: HttpRequest) -> QuerySet[Collection]:
    """List the collections that you may read."""
    return Collection.objects.visible_to(get_caller(request))


@router.post("/collections", auth=_WRITE, response={201: CollectionOut}, tags=["collections"])
def create_collection(request: HttpRequest, payload: CollectionIn) -> Status[Collection]:
    """Create a collection, which only you may read until you share it on its page."""
    user = get_caller(request)
    _refuse_known_name(user, payload.name)
    return Status(201, Collection.objects.create(owner=user, **payload.dict()))


def _refuse_known_name(user: User, name: str, but: UUID | None = None) -> None:
    """Raise ApiError (409) if the user owns another collection of this name; `but` is the id of one to skip."""
    if has_collection_named(user, name, but):
        raise ApiError(409, gettext("A collection with this name already exists. Choose another name."), param="name")


@router.get("/collections/{uuid:pk}", auth=_READ, response=CollectionOut, tags=["collections"])
def get_collection(request: HttpRequest, pk: UUID) -> Collection:
    return get_object_or_404(Collection.objects.visible_to(get_caller(request)), pk=pk)


@router.patch("/collections/{uuid:pk}", auth=_WRITE, response=CollectionOut, tags=["collections"])
def change_collection(request: HttpRequest, pk: UUID, payload: CollectionChange) -> Collection:
    """Change name or description. Only owners of the collection may do that."""
    collection = get_object_or_404(Collection.objects.owned_by(get_caller(request)), pk=pk)
    changes = {name: value for name, value in payload.dict(exclude_unset=True).items() if value is not None}
    if "name" in changes:
        _refuse_known_name(collection.owner, changes["name"], collection.pk)
    for name, value in changes.items():
        setattr(collection, name, value)
    if changes:
        collection.save(update_fields=list(changes))
    return collection


@router.delete("/collections/{uuid:pk}", auth=_WRITE, response={204: None}, tags=["collections"])
def remove_collection(request: HttpRequest, pk: UUID) -> Status[None]:
    """Delete the collection with all its documents."""
    delete_collection(get_caller(request), get_object_or_404(Collection.objects.owned_by(get_caller(request)), pk=pk))
    return Status(204, None)


@router.get("/collections/{uuid:pk}/documents", auth=_READ, response=list[DocumentOut], tags=["documents"])
@paginate
def list_documents(request: HttpRequest, pk: UUID, path: str = "") -> QuerySet[Document]:
    """List the documents of a collection with their state; `reason` says why one failed and what to do.

    `path`: only documents in this folder and the folders in it.
    """
    rows = get_object_or_404(Collection.objects.visible_to(get_caller(request)), pk=pk).documents.all()
    folder = clean_folder_path(path)
    return rows.filter(Q(path=folder) | Q(path__startswith=f"{folder}/")) if folder else rows


@router.post("/collections/{uuid:pk}/documents", auth=_WRITE, response={202: DocumentOut}, tags=["documents"])
def upload_document(request: HttpRequest, pk: UUID, file: File[UploadedFile], path: Form[str] = "") -> Status[Document]:
    """Upload one file. Returns at once; poll the document until its status is `ready` or `failed`.

    `path`: the folder of the file, 'a/b', for display and for filters.
    """
    user = get_caller(request)
    rate_limits.consume(user, LimitedResource.UPLOADS)
    return Status(202, store_upload(user, get_object_or_404(Collection.objects.editable_by(user), pk=pk), file, path))


@router.post("/collections/{uuid:pk}/pages", auth=_WRITE, response={202: DocumentOut}, tags=["documents"])
def add_web_page(request: HttpRequest, pk: UUID, payload: WebPageIn) -> Status[Document]:
    """Add a public web page, which is fetched later; poll the document until its status is `ready` or `failed`."""
    user = get_caller(request)
    rate_limits.consume(user, LimitedResource.UPLOADS)
    return Status(
        202, queue_web_page(user, get_object_or_404(Collection.objects.editable_by(user), pk=pk), payload.url)
    )


@router.get("/documents/{uuid:pk}", auth=_READ, response=DocumentOut, tags=["documents"])
def get_document(request: HttpRequest, pk: UUID) -> Document:
    return get_object_or_404(Document.objects.visible_to(get_caller(request)), pk=pk)


@router.patch("/documents/{uuid:pk}", auth=_WRITE, response=DocumentOut, tags=["documents"])
def change_document(request: HttpRequest, pk: UUID, payload: DocumentChange) -> Document:
    """Change the title under which the document is shown and cited; empty: the name of its file."""
    with transaction.atomic():
        set_title(get_caller(request), _editable(request, pk), payload.title)
    return _editable(request, pk)


@router.post("/documents/{uuid:pk}/cancel", auth=_WRITE, response=DocumentOut, tags=["documents"])
def cancel_document(request: HttpRequest, pk: UUID) -> Document:
    """Stop processing a document that is not ready yet."""
    cancel_ingestion(get_caller(request), _editable(request, pk))
    return _editable(request, pk)


@router.post("/documents/{uuid:pk}/retry", auth=_WRITE, response=DocumentOut, tags=["documents"])
def retry_document(request: HttpRequest, pk: UUID) -> Document:
    """Queue a document again that failed, was cancelled or was quarantined."""
    retry_ingestion(get_caller(request), _editable(request, pk))
    return _editable(request, pk)


@router.delete("/documents/{uuid:pk}", auth=_WRITE, response={204: None}, tags=["documents"])
def remove_document(request: HttpRequest, pk: UUID) -> Status[None]:
    """Delete the document at once, including its passages in answers that cited it."""
    document = _editable(request, pk)
    delete_document(get_caller(request), document)
    page_view.delete_cached_images([document.sha256])
    return Status(204, None)


def _editable(request: HttpRequest, pk: UUID) -> Document:
    return get_object_or_404(Document.objects.editable_by(get_caller(request)), pk=pk)
