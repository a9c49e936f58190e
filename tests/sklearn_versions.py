"""For tests that compare with what scikit-learn does since a version, and did not before."""

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

OLD = parse_version(sklearn.__version__) < parse_version("1.9")
since_1_9 = pytest.mark.skipif(OLD, reason="compared with scikit-learn 1.9")
