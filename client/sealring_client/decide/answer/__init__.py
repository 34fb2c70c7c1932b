"""One answer for all that a check asks of a store, and what the device keeps so that it is short (SPEC AN)."""

from sealring_client.decide.answer.question import Question
from sealring_client.decide.answer.shelf import Shelf, load_shelf, save_shelf
from sealring_client.decide.answer.source import MAX_ANSWER, AnswerSource, Reads

__all__ = ["MAX_ANSWER", "AnswerSource", "Question", "Reads", "Shelf", "load_shelf", "save_shelf"]
