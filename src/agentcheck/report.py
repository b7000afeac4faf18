"""What came of the checks: a line each for people, JUnit XML for machines."""
import sys
import xml.etree.ElementTree as ET

STATUSES = ("ok", "warn", "fail", "skip")


class Result:
    def __init__(self, name, status, seconds, text=""):
        assert status in STATUSES
        self.name, self.status, self.seconds, self.text = name, status, seconds, text


class Report:
    def __init__(self, subject, out=sys.stdout):
        self.subject, self.out, self.results = subject, out, []

    def add(self, result):
        self.results.append(result)
        time = f"{result.seconds * 1000:7.0f} ms" if result.status != "skip" else " " * 10
        print(f"{result.status:4}  {time}  {result.name}", file=self.out)
        for line in result.text.splitlines():
            print(f"                    {line}", file=self.out)
        self.out.flush()

    def count(self, status):
        return sum(r.status == status for r in self.results)

    def summary(self):
        print(f"{self.subject}: {self.count('ok')} good, {self.count('warn')} warnings, {self.count('fail')} failures, "
              f"{self.count('skip')} skipped", file=self.out)

    def junit(self, path):
        """A warning is a test that passed, with its text as output."""
        suite = ET.Element("testsuite", name=f"agentcheck {self.subject}", tests=str(len(self.results)), errors="0",
                           failures=str(self.count("fail")), skipped=str(self.count("skip")),
                           time=f"{sum(r.seconds for r in self.results):.3f}")
        for r in self.results:
            case = ET.SubElement(suite, "testcase", classname=self.subject, name=r.name, time=f"{r.seconds:.3f}")
            if r.status == "fail":
                ET.SubElement(case, "failure", message=(r.text.splitlines() or [""])[0]).text = r.text
            elif r.status == "skip":
                ET.SubElement(case, "skipped", message=r.text)
            elif r.text:
                ET.SubElement(case, "system-out").text = f"{r.status}: {r.text}"
        root = ET.Element("testsuites")
        root.append(suite)
        ET.indent(root)
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
