"""The errors the exchange answers: an HTTP status and Gemini's `reason` and `message`."""

from __future__ import annotations


class RefusedError(Exception):
    """A request that the exchange turns down; rendered as `{"result":"error","reason","message"}`."""

    def __init__(self, reason: str, message: str, status: int = 400) -> None:
        # A message may repeat what a client sent, and JSON can hold halves of characters that UTF-8 cannot.
        message = message.encode("utf-8", "replace").decode()
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.status = status

    def as_json(self) -> dict[str, str]:
        """Return the body of the answer."""
        return {"result": "error", "reason": self.reason, "message": self.message}


class PlainRefusedError(RefusedError):
    """A refusal in the form of some newer calls: `{"errorMessage"}` and nothing else."""

    def __init__(self, message: str) -> None:
        super().__init__("Bad Request", message)

    def as_json(self) -> dict[str, str]:
        """Return the body of the answer."""
        return {"errorMessage": self.message}


class EmptyRefusedError(RefusedError):
    """A refusal that is a status and nothing else."""

    def __init__(self, status: int) -> None:
        super().__init__("", "", status)


def invalid_parameter(message: str) -> RefusedError:
    """Return the refusal of a malformed parameter that is not part of an order."""
    return RefusedError("InvalidParameterValue", message)


def order_not_found(order_id: object) -> RefusedError:
    """Return the refusal of an order id that this account does not have."""
    return RefusedError("OrderNotFound", f"Order {str(order_id)[:40]} not found", 404)


def endpoint_not_found(method: str, path: str) -> RefusedError:
    """Return the refusal of a path, or of a method on a path, that the exchange does not serve."""
    return RefusedError("EndpointNotFound", f"API entry point `{method} {path[:200]}` not found", 404)
