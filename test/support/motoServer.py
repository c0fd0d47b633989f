"""
moto's server, changed in one thing: it denies what a Deny names without a look at the statement's condition, so that
"by TLS only" would deny all. Policies are kept and given back as ever; that AWS enforces them is not tested.
"""

import sys

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.server import main

FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL
sys.exit(main())
