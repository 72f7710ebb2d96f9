"""Names the operation that a REST request to S3 means."""

from collections.abc import Collection

# By method: the operations that a query parameter selects, in the order in which they are looked for.
_OF_OBJECT = {
    "GET": [("uploadId", "ListParts"), ("attributes", "GetObjectAttributes"), ("tagging", "GetObjectTagging")],
    "PUT": [("partNumber", "UploadPart"), ("tagging", "PutObjectTagging")],
    "POST": [("uploads", "CreateMultipartUpload"), ("uploadId", "CompleteMultipartUpload")],
    "DELETE": [("uploadId", "AbortMultipartUpload"), ("tagging", "DeleteObjectTagging")],
}
_OF_BUCKET = {
    "GET": [
        ("list-type", "ListObjectsV2"),
        ("location", "GetBucketLocation"),
        ("versions", "ListObjectVersions"),
        ("uploads", "ListMultipartUploads"),
        ("versioning", "GetBucketVersioning"),
        ("encryption", "GetBucketEncryption"),
        ("policy", "GetBucketPolicy"),
        ("tagging", "GetBucketTagging"),
    ],
    "PUT": [
        ("versioning", "PutBucketVersioning"),
        ("encryption", "PutBucketEncryption"),
        ("policy", "PutBucketPolicy"),
        ("tagging", "PutBucketTagging"),
        ("publicAccessBlock", "PutPublicAccessBlock"),
        ("lifecycle", "PutBucketLifecycleConfiguration"),
    ],
    "POST": [("delete", "DeleteObjects")],
    "DELETE": [("policy", "DeleteBucketPolicy"), ("lifecycle", "DeleteBucketLifecycle")],
}
_PLAIN_OF_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_PLAIN_OF_BUCKET = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
_ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
}


def name_action(service: str, operation: str) -> str:
    """The permission that a call needs, such as ``s3:ListBucket``; of most services it is called as the operation."""
    return f"{service}:{_ACTIONS.get(operation, operation) if service == 's3' else operation}"


def name_s3_operation(method: str, path: str, query: Collection[str], headers: Collection[str]) -> str:
    """Names an operation.

    Args:
        method: Such as ``PUT``.
        path: Bucket and key, without a slash at the beginning.
        query: The names of the query's parameters.
        headers: The names of the request's headers as WSGI spells them.
    """
    bucket, _, key = path.partition("/")
    if not bucket:
        return "ListBuckets"
    selected, plain = (_OF_OBJECT, _PLAIN_OF_OBJECT) if key else (_OF_BUCKET, _PLAIN_OF_BUCKET)
    names = (name for parameter, name in selected.get(method, ()) if parameter in query)
    name = next(names, plain.get(method, f"{method.capitalize()}Unknown"))
    if "HTTP_X_AMZ_COPY_SOURCE" in headers:
        return {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}.get(name, name)
    return name
