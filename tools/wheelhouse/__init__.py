"""Archives an installer carries to a device without a network: wheels, models, sealed reference, hashes, signature.

lock      which pins of requirements.lock a box of some platform and Python needs
fetch     those pins as wheels, and the project's own wheel
archive   folder -> tar: manifest, SHA-256 list, signature
"""
