"""Uses a Python client that was generated from schemas/openapi.json, and prints a line for each answer that it understood.

    PYTHONPATH=GENERATED python survives.py URL TOKEN
"""

import importlib
import pkgutil
import sys

import openapi_client as client

for module in pkgutil.walk_packages(client.__path__, "openapi_client."):
    importlib.import_module(module.name)

PURPOSE = client.Purpose(
    item_code="11340200003010677X3442199806003", application_no="CLIENT-1", operator="window-1"
)


def request(name: str, number: str = "11010519491231002X") -> client.VerificationRequest:
    """A literal claim and a predicate."""
    born = client.Predicate(op=client.PredicateOp.ON_OR_BEFORE, value="2020-01-01")
    claims = {"name": client.Claim(name), "birth_date": client.Claim(born)}
    return client.VerificationRequest(
        dataset="natural-person", purpose=PURPOSE, subject={"id_number": number}, claims=claims
    )


def main(url: str, token: str) -> None:
    """Calls the hub as the agency of the token."""
    with client.ApiClient(client.Configuration(host=url, access_token=token)) as connection:
        verifications = client.VerificationApi(connection)
        for name in ("张三丰", "李四"):
            answer = verifications.verify(request(name))
            print("outcome", answer.outcome)
            print("verdict", answer.fields["name"].verdict)
        claims = {"name": client.Claim("张三丰")}
        items = [
            client.BatchItem(ref=str(n), dataset="natural-person", subject={"id_number": number}, claims=claims)
            for n, number in enumerate(("11010519491231002X", "1"))
        ]
        batch = verifications.verify_batch(client.BatchRequest(purpose=PURPOSE, items=items))
        print("batch", len(batch.results))
        print("datasets", len(client.CatalogueApi(connection).list_datasets().datasets))
        print("mismatches", len(client.MismatchApi(connection).list_mismatches().mismatches))
        try:
            verifications.verify(request("张三丰", "1"))
        except client.ApiException as refused:
            print("refused", refused.status)


main(*sys.argv[1:])
