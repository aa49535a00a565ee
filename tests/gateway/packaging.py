"""What `make install` puts where, held by systemd's own judgement of the unit."""
import os
import re
import subprocess

import parts


class Packaging(parts.Case):

  def test_unit_is_installed_and_sandboxed(self):
    analyze = parts.wanted("systemd-analyze")
    cmake = parts.wanted("cmake")
    build = os.path.dirname(parts.PROGRAM)
    prefix = os.path.join(self.folder, "usr")
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, capture_output=True)
    unit = os.path.join(prefix, "lib/systemd/system/stillwatch.service")
    self.assertTrue(os.access(os.path.join(prefix, "bin/stillwatch"), os.X_OK))
    verified = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    self.assertEqual((verified.returncode, verified.stderr), (0, ""))
    judged = subprocess.run([analyze, "security", "--offline=yes", "--no-pager", unit], capture_output=True, text=True,
                            check=False)
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", judged.stdout)
    if not exposure:
      self.skipTest("this systemd judges no units offline")
    print(exposure.group(0))
    self.assertLessEqual(float(exposure.group(1)), 1.5)


if __name__ == "__main__":
  parts.main()
