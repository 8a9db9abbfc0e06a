"""Every predictor keeps the laws of a predictor."""

import pytest
import torch

from nasturtium.predictor.arc_gp import ArcGP
from nasturtium.predictor.boosting import Boosting
from nasturtium.predictor.forest import Forest
from nasturtium.predictor.gp import GaussianProcess
from nasturtium.predictor.graph import GraphEnsemble
from nasturtium.predictor.lstm import LSTMEnsemble
from nasturtium.predictor.mlp import MLPEnsemble
from nasturtium.predictor.otmann_gp import OtmannGP
from nasturtium.predictor.ridge import Ridge
from nasturtium.testing.predictor import PredictorConformance


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class TestRidge(PredictorConformance):
    def make(self, space, seed):
        return Ridge(space, seed=seed)


class TestRidgeOnRanks(PredictorConformance):
    def make(self, space, seed):
        return Ridge(space, seed=seed, encoding="rich", scale="rank")


class TestArcGP(PredictorConformance):
    def make(self, space, seed):
        return ArcGP(space, seed=seed, steps=10)


class TestOtmannGP(PredictorConformance):
    learns = 0.1  # which copy of a layer is an identity is no difference to a network, but half of the truth

    def make(self, space, seed):
        return OtmannGP(space, seed=seed, samples=10)


class TestGaussianProcess(PredictorConformance):
    learns = 0.9

    def make(self, space, seed):
        return GaussianProcess(space, seed=seed)


class TestForest(PredictorConformance):
    def make(self, space, seed):
        return Forest(space, seed=seed, trees=30)


class TestBoosting(PredictorConformance):
    def make(self, space, seed):
        return Boosting(space, seed=seed, members=2)


class TestMLPEnsemble(PredictorConformance):
    def make(self, space, seed):
        return MLPEnsemble(space, seed=seed, members=3, epochs=40)


class TestMLPEnsembleOfBlocks(PredictorConformance):
    learns = 0.2  # blocks are read as a bag, and half of the truth is which place an option is at

    def make(self, space, seed):
        return MLPEnsemble(space, seed=seed, members=3, epochs=40, encoding="blocks", folds=True)


class TestLSTMEnsemble(PredictorConformance):
    def make(self, space, seed):
        return LSTMEnsemble(space, seed=seed, members=3, hidden=16, epochs=60, batch=40)


class TestGraphEnsemble(PredictorConformance):
    def make(self, space, seed):
        return GraphEnsemble(space, seed=seed, members=3, epochs=40)
